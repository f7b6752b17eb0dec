"""Diffusers pipelines with tiny random weights: real ones in everything but size."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def tokenizer(folder: Path) -> Any:
    """A CLIP tokenizer that knows letters."""
    from transformers import CLIPTokenizer

    folder.mkdir(parents=True, exist_ok=True)
    letters = [*"abcdefghijklmnopqrstuvwxyz,."]
    vocabulary = ["<|startoftext|>", "<|endoftext|>", *letters, *(f"{letter}</w>" for letter in letters)]
    (folder / "vocab.json").write_text(json.dumps({word: n for n, word in enumerate(vocabulary)}), encoding="utf-8")
    (folder / "merges.txt").write_text("#version: 0.2\n", encoding="utf-8")
    return CLIPTokenizer(str(folder / "vocab.json"), str(folder / "merges.txt"), model_max_length=16)


def stable_diffusion(folder: Path, scheduler: str = "EulerDiscreteScheduler") -> Any:
    """A StableDiffusionPipeline: 16 × 16 latents of 32 × 32 pictures."""
    import diffusers
    import torch
    from diffusers import AutoencoderKL, StableDiffusionPipeline, UNet2DConditionModel
    from transformers import CLIPTextConfig, CLIPTextModel

    torch.manual_seed(0)
    words = tokenizer(folder / "words")
    unet = UNet2DConditionModel(sample_size=16, block_out_channels=(4, 8), layers_per_block=1, norm_num_groups=2,
                                down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"), cross_attention_dim=16,
                                up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"), attention_head_dim=2)
    vae = AutoencoderKL(block_out_channels=(4, 8), norm_num_groups=2, latent_channels=4,
                        down_block_types=("DownEncoderBlock2D", "DownEncoderBlock2D"),
                        up_block_types=("UpDecoderBlock2D", "UpDecoderBlock2D"))
    text = CLIPTextModel(CLIPTextConfig(
        vocab_size=len(words), hidden_size=16, intermediate_size=16, num_hidden_layers=1, num_attention_heads=2,
        max_position_embeddings=16, bos_token_id=0, eos_token_id=1))
    more = {"skip_prk_steps": True} if scheduler == "PNDMScheduler" else {}
    made = getattr(diffusers, scheduler)(beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear",
                                         steps_offset=1, **more)
    pipe = StableDiffusionPipeline(vae=vae, text_encoder=text, tokenizer=words, unet=unet, scheduler=made,
                                   safety_checker=None, feature_extractor=None, requires_safety_checker=False)
    pipe.set_progress_bar_config(disable=True)
    return pipe
