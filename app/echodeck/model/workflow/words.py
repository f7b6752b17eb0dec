"""What the names of inputs say: which hold a prompt's text, which a number that only says how much."""

from __future__ import annotations

import re

FRAMES = ("length", "video_frames", "num_frames", "frames", "frame_count")
AMOUNTS = frozenset({
    "width", "height", "target_width", "target_height", "crop_w", "crop_h", "megapixels", "batch_size", "batch",
    "steps", "start_at_step", "end_at_step", "start_step", "end_step", "step", *FRAMES,
})
"""How large, how many, how long."""

_TEXT = re.compile(r"text|prompt|string|caption|wildcard|lyrics|tags", re.I)
_NO_TEXT = re.compile(r"encoder|name|mode|model|file|type|device|path", re.I)
_ENCODED = re.compile(r"(clip_[lgh]|t5xxl|llama|bert|mt5xl|umt5|byt5|qwen|gemma|positive|negative)\w*", re.I)


def is_text(name: str) -> bool:
    """Whether an input of this name, if it is a text, is the text of a prompt."""
    return bool((_TEXT.search(name) or _ENCODED.fullmatch(name)) and not _NO_TEXT.search(name))
