"""What a prompt's words mean to the sketch engine.

- Subject words choose what is drawn: a face, the sky, a lake, a forest, or hills (also when nothing is named).
- Style words choose how: soft (when nothing is named), poster, watercolour, ink, neon.
- Palette words choose the light: several are mixed ("winter dusk"). Colour words tint it ("violet night").
- Other words mean nothing to it. If no palette is named they choose one among all, always the same for the same words;
  a prompt that says nothing at all is painted at dusk.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from hashlib import sha256

from .palette import PALETTES, TINTS, Palette, mix, tinted
from .style import STYLES

SUBJECTS: dict[str, tuple[str, ...]] = {
    "hills": ("hill", "mountain", "peak", "alp", "landscape", "valley", "range", "ridge", "canyon"),
    "face": ("face", "portrait", "person", "people", "woman", "man", "girl", "boy", "smile", "head", "human", "friend"),
    "lake": ("lake", "sea", "ocean", "water", "reflection", "bay", "fjord", "river", "shore", "beach"),
    "forest": ("forest", "tree", "wood", "pine", "fir", "jungle"),
    "sky": ("sky", "skies", "cloud", "heaven", "air"),
}
STYLE_WORDS: dict[str, tuple[str, ...]] = {
    "soft": ("soft", "photo", "realistic", "smooth", "gradient"),
    "poster": ("poster", "flat", "print", "minimal", "vector", "graphic"),
    "watercolour": ("watercolour", "watercolor", "aquarelle", "painting", "painted", "paint", "wash"),
    "ink": ("ink", "sumi", "drawing", "brush", "monochrome", "sketch"),
    "neon": ("neon", "synthwave", "retro", "cyberpunk", "vaporwave"),
}
PALETTE_WORDS: dict[str, tuple[str, ...]] = {
    "dusk": ("dusk", "sunset", "evening", "twilight", "romantic"),
    "dawn": ("dawn", "sunrise", "morning"),
    "day": ("day", "noon", "summer", "sunny", "bright", "clear"),
    "night": ("night", "moon", "moonlight", "star", "starry", "midnight", "dark"),
    "autumn": ("autumn", "fall", "october", "harvest"),
    "winter": ("winter", "snow", "snowy", "ice", "frost", "cold"),
    "spring": ("spring", "blossom", "april", "fresh", "meadow"),
    "aurora": ("aurora", "northern", "polar"),
    "desert": ("desert", "sand", "dune", "mars", "warm"),
    "storm": ("storm", "stormy", "rain", "rainy", "grey", "gray", "fog", "foggy", "mist", "misty"),
    "rose": ("rose", "rosy", "dream", "dreamy", "candy"),
    "mint": ("mint", "tropical", "lagoon", "emerald"),
}
TINT_WORDS = {"golden": "gold", "purple": "violet", "gray": "grey", "turquoise": "teal", "crimson": "red"}


@dataclass(frozen=True, slots=True)
class Theme:
    """What to draw. Two prompts with an equal theme are drawn from the same training pictures."""

    subject: str
    style: str
    palettes: tuple[str, ...]
    tints: tuple[str, ...] = ()

    def palette(self) -> Palette:
        found = mix([PALETTES[name] for name in self.palettes])
        for name in self.tints:
            found = tinted(found, TINTS[name])
        return STYLES[self.style].palette(found)

    def __str__(self) -> str:
        return " ".join([*self.tints, *self.palettes, self.subject]) + f", {self.style}"


def read(prompt: str) -> Theme:
    """The theme that a prompt's words name. Any text has one."""
    words = re.findall(r"[a-z]+", prompt.lower())
    subjects, styles = _named(words, SUBJECTS), _named(words, STYLE_WORDS)
    palettes = _named(words, PALETTE_WORDS)[:3]
    tints = [tint for word in words if (tint := TINT_WORDS.get(word, word)) in TINTS]
    if not palettes:
        known = {word for group in (SUBJECTS, STYLE_WORDS) for _, names in group.items() for word in names}
        palettes = [_pick([word for word in words if _stem(word, known) is None])]
    return Theme(
        subject=subjects[0] if subjects else "hills",
        style=styles[0] if styles else "soft",
        palettes=tuple(palettes),
        tints=tuple(dict.fromkeys(tints))[:2],
    )


def _named(words: list[str], groups: dict[str, tuple[str, ...]]) -> list[str]:
    """The groups that the words name, each once, in the order of the words."""
    by_word = {word: name for name, names in groups.items() for word in names}
    found = [by_word[stem] for word in words if (stem := _stem(word, by_word)) is not None]
    return list(dict.fromkeys(found))


def _stem(word: str, known: dict[str, str] | set[str]) -> str | None:
    """The word itself or its singular, if known."""
    return next((form for form in (word, word.removesuffix("s"), word.removesuffix("es")) if form in known), None)


def _pick(words: list[str]) -> str:
    if not words:
        return "dusk"
    digest = sha256(" ".join(sorted(words)).encode()).digest()
    return sorted(PALETTES)[digest[0] % len(PALETTES)]
