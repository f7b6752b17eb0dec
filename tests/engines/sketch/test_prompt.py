"""What a prompt's words mean."""

from __future__ import annotations

import numpy as np
import pytest

from echodeck.engines.sketch.bank import draw
from echodeck.engines.sketch.palette import PALETTES, TINTS
from echodeck.engines.sketch.prompt import PALETTE_WORDS, STYLE_WORDS, SUBJECTS, read
from echodeck.engines.sketch.style import STYLES


@pytest.mark.parametrize(("prompt", "subject", "style", "palettes"), [
    ("dusk mountains", "hills", "soft", ("dusk",)),
    ("A portrait of a woman, painted in AUTUMN", "face", "watercolour", ("autumn",)),
    ("neon lakes at midnight", "lake", "neon", ("night",)),
    ("snowy winter forest at sunset, minimal poster", "forest", "poster", ("winter", "dusk")),
    ("ink clouds, misty", "sky", "ink", ("storm",)),
])
def test_words_choose(prompt: str, subject: str, style: str, palettes: tuple[str, ...]) -> None:
    theme = read(prompt)
    assert (theme.subject, theme.style, theme.palettes) == (subject, style, palettes)


def test_nothing_said_is_hills_at_dusk() -> None:
    assert read("") == read(" ,.!  ") == read("mountains dusk")


def test_order_case_and_plural_of_words_do_not_matter() -> None:
    assert read("Hills DUSK soft") == read("dusk, soft hill")


def test_unknown_words_choose_a_palette_and_always_the_same() -> None:
    assert read("my cat Otto") == read("otto: my CAT")
    found = {read(f"mountains {word}").palettes for word in ("otto", "susi", "anna", "emil", "ida", "paul", "rosa")}
    assert len(found) > 2


def test_colours_tint() -> None:
    assert read("violet night").tints == ("violet",)
    plain, red = read("night").palette(), read("crimson night").palette()
    assert red.sky[0] / red.sky[2] > 2 * plain.sky[0] / plain.sky[2]


@pytest.mark.parametrize("prompt", ["<img src=x onerror=alert(1)>", "日本の山", "\x00\ud800", "x" * 16_384])
def test_any_text_has_a_theme(prompt: str) -> None:
    assert read(prompt).palettes[0] in PALETTES


def test_every_word_leads_somewhere() -> None:
    assert set(STYLE_WORDS) == set(STYLES)
    assert set(PALETTE_WORDS) == set(PALETTES)
    words = [word for group in (SUBJECTS, STYLE_WORDS, PALETTE_WORDS) for names in group.values() for word in names]
    assert len(words) == len(set(words))
    assert all(read(word) != read("") or word in SUBJECTS["hills"] + STYLE_WORDS["soft"] + PALETTE_WORDS["dusk"]
               for word in words)
    assert all(read(name).tints == (name,) for name in TINTS)


@pytest.mark.parametrize("subject", SUBJECTS)
@pytest.mark.parametrize("style", STYLES)
def test_every_subject_can_be_drawn_in_every_style(subject: str, style: str) -> None:
    picture = draw(read(f"{style} {subject} winter"), 3, 40, 56)
    assert picture.shape == (40, 56, 3)
    assert picture.dtype == np.float32
    assert picture.min() >= 0.0
    assert picture.max() <= 1.0
    assert picture.std() > 0.05


@pytest.mark.parametrize(("height", "width"), [(64, 512), (512, 64), (64, 64)])
@pytest.mark.parametrize("subject", SUBJECTS)
def test_every_shape_can_be_drawn(subject: str, height: int, width: int) -> None:
    assert draw(read(f"{subject} aurora"), 1, height, width).shape == (height, width, 3)


def test_the_same_scene_is_always_drawn_the_same_and_others_differ() -> None:
    theme = read("dusk hills")
    assert np.array_equal(draw(theme, 5, 40, 40), draw(theme, 5, 40, 40))
    assert np.abs(draw(theme, 5, 40, 40) - draw(theme, 6, 40, 40)).mean() > 0.01


def test_a_palette_changes_the_picture_as_one_would_expect() -> None:
    day, night, autumn = (
        draw(read(f"{word} hills"), 2, 48, 48).mean(axis=(0, 1)) for word in ("day", "night", "autumn")
    )
    assert day.mean() > night.mean() + 0.2
    assert autumn[0] > autumn[2] + 0.1
    assert day[2] > day[0]
