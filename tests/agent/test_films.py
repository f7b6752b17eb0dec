"""Films as people have them, written with OpenCV: what is wrong with each is seen.

`films/` has two of a moving test pattern that OpenCV's wheels read or refuse, but do not write: H.264 and AV1.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from echodeck.agent import films
from echodeck.agent.films import film_of
from echodeck.agent.measuring import answer
from echodeck.agent.pictures import Skipped, Unreadable
from echodeck.brain.verdict.figures import FilmMeasures, Measures
from echodeck.brain.verdict.judge import Asked, judge
from echodeck.brain.verdict.norms import Norms

cv2 = pytest.importorskip("cv2", reason="films need OpenCV: pip install '.[video]'")

HEIGHT, WIDTH, FRAMES = 96, 128, 24
MADE = Path(__file__).parent / "films"
Frames = Sequence[NDArray[np.uint8]]


def moving(count: int = FRAMES) -> list[NDArray[np.uint8]]:
    """Bright discs before a dark ramp; all goes to the left."""
    rows, columns = np.mgrid[0:HEIGHT, 0 : 2 * WIDTH]
    scene = np.stack([40 + 60 * rows / HEIGHT, 50 + 40 * rows / HEIGHT, 90 + 0 * rows], axis=-1)
    for x in range(20, 2 * WIDTH, 45):
        scene[np.hypot(rows - 48, columns - x) < 16] = (230, 200, 90 + x // 3)
    return [np.ascontiguousarray(scene[:, 3 * n : 3 * n + WIDTH].astype(np.uint8)) for n in range(count)]


def written(path: Path, frames: Frames) -> Path:
    """As WebM in VP9, else as MPEG-4."""
    code = cv2.VideoWriter_fourcc(*("VP90" if path.suffix == ".webm" else "mp4v"))
    height, width = frames[0].shape[:2]
    writer = cv2.VideoWriter(str(path), cv2.CAP_FFMPEG, code, 12, (width, height))
    assert writer.isOpened()
    for frame in frames:
        writer.write(frame[..., ::-1])
    writer.release()
    return path


def verdict(path: Path, *, frames: int = FRAMES, width: int = WIDTH) -> list[str]:
    found: dict[str, Any] = answer({"path": str(path), "link": "", "kind": "video/mp4"})
    film = FilmMeasures(**found["film"])
    judged = judge(0, Measures(**found["measures"]), Asked(width, HEIGHT, 20, frames), Norms(), film=film)
    return [reason.defect for reason in judged.reasons]


KINDS = pytest.mark.parametrize("kind", ["mp4", "webm", "mov"])


@KINDS
def test_a_good_film_is_good_and_its_colours_are_right(tmp_path: Path, kind: str) -> None:
    path = written(tmp_path / f"a.{kind}", moving())
    assert verdict(path) == []
    found = film_of(path)
    assert found.film is not None
    assert (found.frames, found.film.shape, found.pixels.shape) == (FRAMES, (FRAMES, 48, 64), (HEIGHT, WIDTH, 3))
    off = np.abs(found.pixels.astype(float) - moving()[FRAMES // 2])
    assert off.mean() < 6, "the frame in the middle, red first"


@KINDS
@pytest.mark.parametrize(("fault", "expected"), [
    (lambda frames: [frames[0]] * FRAMES, ["frozen"]),
    (lambda frames: [*frames[:12], *[frames[12]] * 12], ["frozen"]),
    (lambda frames: [(frame * (1 - 0.3 * (n % 2))).astype(np.uint8) for n, frame in enumerate(frames)], ["flicker"]),
    (lambda frames: frames[:15], ["missing_frames"]),
    (lambda frames: [np.zeros_like(frame) for frame in frames], ["black"]),
], ids=["frozen", "stops", "flickers", "too few", "black"])
def test_what_is_wrong_with_a_film_is_seen(tmp_path: Path, kind: str, fault: Any, expected: list[str]) -> None:
    assert verdict(written(tmp_path / f"a.{kind}", fault(moving()))) == expected


def test_a_film_of_the_wrong_size(tmp_path: Path) -> None:
    assert verdict(written(tmp_path / "a.mp4", moving()), width=2 * WIDTH) == ["wrong_size"]


@KINDS
@pytest.mark.parametrize("share", [0.0, 0.3, 0.6, 0.9])
def test_a_film_that_is_cut_off_cannot_be_read(tmp_path: Path, kind: str, share: float) -> None:
    path = written(tmp_path / f"a.{kind}", moving())
    data = path.read_bytes()
    path.write_bytes(data[: int(share * len(data))])
    with pytest.raises(Unreadable):
        film_of(path)
    assert answer({"path": str(path), "kind": "video/mp4"}).keys() == {"unreadable"}


def test_films_of_other_programs() -> None:
    found = film_of(MADE / "h264.mp4")
    assert (found.frames, found.pixels.shape) == (24, (64, 96, 3))
    with pytest.raises(Skipped, match="no AV01 films"):
        film_of(MADE / "av1.mp4")


def test_of_a_long_film_the_beginning_is_looked_at_and_all_frames_are_counted(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path / "a.mp4", moving())
    monkeypatch.setattr(films, "MOST_FRAMES", 6)
    found = film_of(path)
    assert found.film is not None
    assert (found.frames, len(found.film)) == (FRAMES, 6)
    assert np.abs(found.pixels.astype(float) - moving()[FRAMES // 2]).mean() < 6


def test_a_film_that_takes_too_long_is_judged_by_what_was_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path / "a.mp4", moving())
    times = iter(range(100))
    monkeypatch.setattr(films.time, "monotonic", lambda: float(next(times)))
    monkeypatch.setattr(films, "LONGEST_S", 8.0)
    found = film_of(path)
    assert found.film is not None
    assert (found.frames, len(found.film)) == (FRAMES, 7)


def test_what_is_not_here_or_too_large_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Skipped, match="no such file"):
        film_of(tmp_path / "gone.mp4")
    path = written(tmp_path / "a.mp4", moving())
    monkeypatch.setattr(films, "MOST_PIXELS", 100)
    with pytest.raises(Skipped, match="128 × 96"):
        film_of(path)


def test_without_opencv_the_mend_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path / "a.mp4", moving())
    monkeypatch.setitem(sys.modules, "cv2", None)
    assert answer({"path": str(path), "kind": "video/mp4"}) == {
        "skipped": "films need OpenCV: pip install 'echodeck[video]'"}
