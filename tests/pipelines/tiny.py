"""Diffusers pipelines with tiny random weights: real ones in everything but size."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

BETAS = {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear", "steps_offset": 1}


def tokenizer(folder: Path) -> Any:
    """A CLIP tokenizer that knows letters."""
    from transformers import CLIPTokenizer

    folder.mkdir(parents=True, exist_ok=True)
    letters = [*"abcdefghijklmnopqrstuvwxyz,."]
    vocabulary = ["<|startoftext|>", "<|endoftext|>", *letters, *(f"{letter}</w>" for letter in letters)]
    (folder / "vocab.json").write_text(json.dumps({word: n for n, word in enumerate(vocabulary)}), encoding="utf-8")
    (folder / "merges.txt").write_text("#version: 0.2\n", encoding="utf-8")
    return CLIPTokenizer(str(folder / "vocab.json"), str(folder / "merges.txt"), model_max_length=16)


def t5_tokenizer() -> Any:
    """A T5 tokenizer of whole words, of which it knows none."""
    from tokenizers import Tokenizer, models
    from transformers import PreTrainedTokenizerFast

    words = Tokenizer(models.WordLevel({"<pad>": 0, "</s>": 1, "<unk>": 2}, unk_token="<unk>"))
    return PreTrainedTokenizerFast(tokenizer_object=words, pad_token="<pad>", eos_token="</s>", unk_token="<unk>",
                                   model_max_length=16)


def t5() -> Any:
    from transformers import T5Config, T5EncoderModel

    return T5EncoderModel(T5Config(vocab_size=3, d_model=16, d_kv=8, d_ff=16, num_layers=1, num_heads=2))


def clip(words: Any, *, projected: bool = False) -> Any:
    from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

    settings = CLIPTextConfig(vocab_size=len(words), hidden_size=16, intermediate_size=16, num_hidden_layers=2,
                              num_attention_heads=2, max_position_embeddings=16, bos_token_id=0, eos_token_id=1,
                              projection_dim=16)
    return CLIPTextModelWithProjection(settings) if projected else CLIPTextModel(settings)


def kl(channels: int = 4, **more: Any) -> Any:
    """A VAE of pictures: a latent pixel for 2 × 2 pixels."""
    from diffusers import AutoencoderKL

    return AutoencoderKL(block_out_channels=(4, 8), norm_num_groups=2, latent_channels=channels,
                         down_block_types=("DownEncoderBlock2D", "DownEncoderBlock2D"),
                         up_block_types=("UpDecoderBlock2D", "UpDecoderBlock2D"), **more)


def unet(**more: Any) -> Any:
    from diffusers import UNet2DConditionModel

    return UNet2DConditionModel(sample_size=16, block_out_channels=(4, 8), layers_per_block=1, norm_num_groups=2,
                                down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"), attention_head_dim=2,
                                up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"), **more)


def quiet(pipe: Any) -> Any:
    pipe.set_progress_bar_config(disable=True)
    return pipe


def seeded() -> None:
    import torch

    torch.manual_seed(0)


def stable_diffusion(folder: Path, scheduler: str = "EulerDiscreteScheduler") -> Any:
    """16 × 16 latents of 32 × 32 pictures."""
    import diffusers

    seeded()
    words = tokenizer(folder / "words")
    more = {"skip_prk_steps": True} if scheduler == "PNDMScheduler" else {}
    return quiet(diffusers.StableDiffusionPipeline(
        vae=kl(), text_encoder=clip(words), tokenizer=words, unet=unet(cross_attention_dim=16),
        scheduler=getattr(diffusers, scheduler)(**BETAS, **more), safety_checker=None, feature_extractor=None,
        requires_safety_checker=False))


def stable_diffusion_xl(folder: Path) -> Any:
    """Two text encoders, the second one projected; its VAE overflows in half precision, or says so."""
    import diffusers

    seeded()
    words = tokenizer(folder / "words")
    network = unet(cross_attention_dim=32, addition_embed_type="text_time", addition_time_embed_dim=8,
                   projection_class_embeddings_input_dim=64)
    return quiet(diffusers.StableDiffusionXLPipeline(
        vae=kl(force_upcast=True), text_encoder=clip(words), text_encoder_2=clip(words, projected=True),
        tokenizer=words, tokenizer_2=words, unet=network, scheduler=diffusers.EulerDiscreteScheduler(**BETAS)))


def flux(folder: Path) -> Any:
    """Packed latents, a shifted VAE, and a flow."""
    import diffusers

    seeded()
    words = tokenizer(folder / "words")
    network = diffusers.FluxTransformer2DModel(
        patch_size=1, in_channels=16, num_layers=1, num_single_layers=1, attention_head_dim=16, num_attention_heads=2,
        joint_attention_dim=16, pooled_projection_dim=16, axes_dims_rope=(4, 4, 8))
    return quiet(diffusers.FluxPipeline(
        vae=kl(scaling_factor=0.4, shift_factor=0.1), text_encoder=clip(words), tokenizer=words, text_encoder_2=t5(),
        tokenizer_2=t5_tokenizer(), transformer=network, scheduler=diffusers.FlowMatchEulerDiscreteScheduler()))


def wan() -> Any:
    """Films: latents of five dimensions, whose mean and spread each channel has."""
    import diffusers

    seeded()
    vae = diffusers.AutoencoderKLWan(base_dim=4, z_dim=16, dim_mult=[1, 1, 1, 1], num_res_blocks=1,
                                     temperal_downsample=[False, True, True])
    network = diffusers.WanTransformer3DModel(
        patch_size=(1, 2, 2), num_attention_heads=2, attention_head_dim=12, in_channels=16, out_channels=16,
        text_dim=16, freq_dim=16, ffn_dim=16, num_layers=1, cross_attn_norm=True, rope_max_seq_len=32)
    return quiet(diffusers.WanPipeline(
        tokenizer=t5_tokenizer(), text_encoder=t5(), vae=vae, transformer=network,
        scheduler=diffusers.FlowMatchEulerDiscreteScheduler()))


def ltx() -> Any:
    """Films in packed latents, a latent pixel in a place of its own."""
    import diffusers

    seeded()
    vae = diffusers.AutoencoderKLLTXVideo(
        in_channels=3, out_channels=3, latent_channels=8, block_out_channels=(8,) * 4,
        decoder_block_out_channels=(8,) * 4, layers_per_block=(1,) * 5, decoder_layers_per_block=(1,) * 5,
        spatio_temporal_scaling=(True, True, False, False), decoder_spatio_temporal_scaling=(True, True, False, False),
        decoder_inject_noise=(False,) * 5, upsample_residual=(False,) * 4, upsample_factor=(1,) * 4,
        timestep_conditioning=False, patch_size=1, patch_size_t=1, encoder_causal=True, decoder_causal=False)
    network = diffusers.LTXVideoTransformer3DModel(
        in_channels=8, out_channels=8, patch_size=1, patch_size_t=1, num_attention_heads=2, attention_head_dim=8,
        cross_attention_dim=16, num_layers=1, caption_channels=16)
    return quiet(diffusers.LTXPipeline(
        tokenizer=t5_tokenizer(), text_encoder=t5(), vae=vae, transformer=network,
        scheduler=diffusers.FlowMatchEulerDiscreteScheduler()))


def without_callback() -> Any:
    """A pipeline of the first days: no text, no VAE, no callback."""
    import diffusers

    seeded()
    network = diffusers.UNet2DModel(sample_size=16, block_out_channels=(4, 8), layers_per_block=1, norm_num_groups=2,
                                    down_block_types=("DownBlock2D", "DownBlock2D"),
                                    up_block_types=("UpBlock2D", "UpBlock2D"))
    return quiet(diffusers.DDIMPipeline(network, diffusers.DDIMScheduler()))
