"""Judging beside the jobs: files in, verdicts out, and nothing that goes wrong with it harms a job."""

from __future__ import annotations

import asyncio
import base64
import io
import json
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from echodeck.agent import pictures
from echodeck.agent.judging import LAST, Judging, hears
from echodeck.agent.measurer import Measurer, MeasuringFailed
from echodeck.agent.measuring import answer
from echodeck.agent.pictures import Skipped, Unreadable, content_of, picture_of
from echodeck.agent.seen import MODELS, Seen
from echodeck.model.job import JobSpec, Output
from echodeck.wire import say

PIXELS = np.random.default_rng(1).integers(0, 256, (48, 64, 3), np.uint8)
SPEC = JobSpec("sketch", "sketch-s", title="hills", width=64, height=48, steps=20)
PATIENCE_S = 30.0


def data_of(image: Image.Image, kind: str, **options: Any) -> bytes:
    into = io.BytesIO()
    image.save(into, kind, **options)
    return into.getvalue()


# --- files -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("image", "kind", "shape", "dtype"), [
    (Image.fromarray(PIXELS), "PNG", (48, 64, 3), np.uint8),
    (Image.fromarray(PIXELS), "JPEG", (48, 64, 3), np.uint8),
    (Image.fromarray(PIXELS).convert("L"), "PNG", (48, 64), np.uint8),
    (Image.fromarray(np.dstack([PIXELS, PIXELS[..., 0]])), "WEBP", (48, 64, 4), np.uint8),
    (Image.fromarray(PIXELS).convert("P"), "GIF", (48, 64, 3), np.uint8),
    (Image.fromarray(PIXELS).convert("1"), "PNG", (48, 64, 3), np.uint8),
    (Image.fromarray(PIXELS).convert("CMYK"), "TIFF", (48, 64, 3), np.uint8),
    (Image.fromarray(PIXELS[..., 0].astype(np.uint16) * 257), "PNG", (48, 64), np.uint16),
    (Image.fromarray(PIXELS[..., 0].astype(np.float32) / 255), "TIFF", (48, 64), np.float32),
])
def test_any_picture_that_pillow_reads(image: Image.Image, kind: str, shape: tuple[int, ...], dtype: Any) -> None:
    found = picture_of(data_of(image, kind))
    assert (found.pixels.shape, found.pixels.dtype, found.frames) == (shape, dtype, 1)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF"])
def test_a_file_that_is_cut_off_cannot_be_read(kind: str) -> None:
    whole = data_of(Image.fromarray(PIXELS), kind)
    for share in (0.0, 0.05, 0.5, 0.9):
        with pytest.raises(Unreadable):
            picture_of(whole[: int(share * len(whole))])


def test_the_frames_of_a_film_are_counted_by_how_long_they_stay() -> None:
    frames = [Image.fromarray(np.roll(PIXELS, shift, axis=1)) for shift in (0, 9, 9, 9, 18, 27)]
    film = data_of(frames[0], "WEBP", save_all=True, append_images=frames[1:], duration=90)
    found = picture_of(film)
    assert found.film is not None
    assert (found.frames, len(found.film)) == (6, 6), "equal frames are written once"
    assert found.film.shape[1:] == (48, 64)


def test_what_is_too_large_or_not_here_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Skipped, match="cannot be read"):
        content_of(str(tmp_path / "gone.png"), "")
    with pytest.raises(Skipped, match="no address"):
        content_of("", "file:///etc/hostname")
    monkeypatch.setattr(pictures, "MOST_PIXELS", 100)
    with pytest.raises(Skipped, match="64 × 48"):
        picture_of(data_of(Image.fromarray(PIXELS), "PNG"))


def test_an_answer_has_figures_or_says_why_not(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(data_of(Image.fromarray(PIXELS), "PNG"))
    found = json.loads(json.dumps(answer({"path": str(path), "link": ""})))
    assert (found["measures"]["width"], found["measures"]["height"], found["film"]) == (64, 48, None)
    path.write_bytes(b"\x89PNG\r\n")
    assert answer({"path": str(path)})["unreadable"]
    assert answer({"path": str(tmp_path)})["skipped"]


# --- the process -----------------------------------------------------------------------------------------------------


async def test_the_process_measures_and_is_started_anew_when_it_died(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(data_of(Image.fromarray(PIXELS), "PNG"))
    measurer = Measurer()
    try:
        assert measurer.pid is None, "nothing is measured yet"
        assert (await measurer.measure(str(path), "", "image/png"))["measures"]["width"] == 64
        assert measurer.pid is not None
        os.kill(measurer.pid, 9)
        with pytest.raises(MeasuringFailed):
            await measurer.measure(str(path), "", "image/png")
        assert (await measurer.measure(str(path), "", "image/png"))["measures"]["width"] == 64
    finally:
        await measurer.close()
    assert measurer.pid is None


@pytest.mark.parametrize(("code", "why"), [
    ("import time; time.sleep(60)", "longer than 0.3 s"), ("raise SystemExit(3)", "ended|pipe|Broken|reset|lost"),
    ("print('no json')", "Expecting value"),
])
async def test_a_process_that_hangs_dies_or_babbles_fails_the_measuring_alone(code: str, why: str) -> None:
    measurer = Measurer((sys.executable, "-c", code), longest_s=0.3 if "sleep" in code else PATIENCE_S)
    with pytest.raises(MeasuringFailed, match=why):
        await measurer.measure("a.png", "", "image/png")
    assert measurer.pid is None


# --- judging ---------------------------------------------------------------------------------------------------------


class Answers(Measurer):
    """Says what it is given, in order; an exception is raised."""

    def __init__(self, *given: Mapping[str, Any] | Exception) -> None:
        super().__init__()
        self.given, self.asked, self.closed = [*given], list[tuple[str, str, str]](), asyncio.Event()

    async def measure(self, path: str, link: str, kind: str) -> Mapping[str, Any]:
        self.asked.append((path, link, kind))
        found = self.given.pop(0) if len(self.given) > 1 else self.given[0]
        if isinstance(found, Exception):
            raise found
        return found

    async def close(self) -> None:
        self.closed.set()


def figures(shade: int = 0, **change: Any) -> dict[str, Any]:
    measures = {"width": 64, "height": 48, "low": 0.05, "high": 0.95, "middle": 0.5, "tint": 0.1, "bad": 0.0,
                "cut": 0.0, "grain": 0.0005, "speckle": 0.1, "edge_px": 1.2, "bands": 0.0, **change}
    tiny = bytes((shade * number * 7 + number) % 256 for number in range(768))
    return {"measures": measures, "film": None, "hash": shade * 0x1234567, "tiny": base64.b64encode(tiny).decode(),
            "contrast": 40.0}


def completed(*outputs: Output, job_id: str = "j") -> say.JobReport:
    return say.JobReport(job_id, 1, "w", "completed", 5.0, outputs=list(outputs))


async def judged(measurer: Measurer, *reports: say.JobReport, on: bool = True, spec: JobSpec = SPEC,
                 want: int = 1, seen: Seen | None = None) -> list[say.JobReport]:
    """What is told of these, in order; waits for `want` of it."""
    told: list[say.JobReport] = []
    fresh = asyncio.Event()

    def tell(payload: say.Say) -> None:
        assert isinstance(payload, say.JobReport)
        told.append(payload)
        fresh.set()

    judging = Judging(tell, measurer, seen=seen, idle_s=0.01)
    running = asyncio.create_task(judging.run())
    await asyncio.sleep(0)
    judging.on = on
    for report in reports:
        judging.made(spec, report)
    async with asyncio.timeout(PATIENCE_S):
        while len(told) < want:
            fresh.clear()
            await fresh.wait()
        if not want and isinstance(measurer, Answers):
            await measurer.closed.wait()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    return told


async def test_what_was_made_is_judged_and_told() -> None:
    found = Answers(figures(), figures(1, grain=0.1), {"unreadable": "image file is truncated"})
    [told] = await judged(found, completed(Output("a.png"), Output("b.png"), Output("c.png")))
    assert (told.job_id, told.attempt, told.worker_id, told.fact) == ("j", 1, "w", "judged")
    assert [verdict.output for verdict in told.verdicts] == [0, 1, 2]
    assert [[one.defect for one in verdict.reasons] for verdict in told.verdicts] == [[], ["noise"], ["truncated"]]
    assert found.closed.is_set(), "without anything to do there is no process"


async def test_what_cannot_be_judged_has_no_score_and_says_why(caplog: pytest.LogCaptureFixture) -> None:
    found = Answers(MeasuringFailed("it took longer than 30 s"), {"skipped": "it is not here"}, figures())
    [told] = await judged(found, completed(Output("a.png"), Output("b.mp4", "video/mp4"), Output("c.png")))
    assert [verdict.score is None for verdict in told.verdicts] == [True, True, False]
    assert [verdict.reasons[0].sentence for verdict in told.verdicts[:2]] == [
        "not judged: it took longer than 30 s", "not judged: it is not here"]
    assert found.asked[1] == ("b.mp4", "", "video/mp4")
    assert "output 1 of job j could not be judged: it took longer than 30 s" in caplog.text


async def test_sounds_and_what_has_no_file_are_left_alone() -> None:
    found = Answers(figures())
    outputs = (Output("b.flac", "audio/flac"), Output("", "image/png"))
    assert await judged(found, completed(*outputs), want=0) == []
    assert found.asked == []


async def test_an_original_elsewhere_is_asked_for_there() -> None:
    found = Answers(figures())
    await judged(found, completed(Output("small.webp", "image/png", link="http://127.0.0.1:8188/view?filename=a.png")))
    assert found.asked == [("small.webp", "http://127.0.0.1:8188/view?filename=a.png", "image/png")]


async def test_switched_off_nothing_is_measured() -> None:
    found = Answers(figures())
    assert await judged(found, completed(Output("a.png")), on=False, want=0) == []
    assert found.asked == []


async def test_the_same_again_is_known_again() -> None:
    reports = [completed(Output("a.png"), job_id="one"), completed(Output("b.png"), job_id="two")]
    first, second = await judged(Answers(figures(3)), *reports, want=2)
    assert first.verdicts[0].reasons == ()
    [reason] = second.verdicts[0].reasons
    assert (reason.defect, reason.sentence) == ("duplicate", "nearly the same as output 1 of “hills”")


async def test_what_is_normal_for_a_model_outlives_the_agent(tmp_path: Path) -> None:
    path = tmp_path / "seen" / "here.json"
    soft = [completed(Output("a.png"), job_id=f"j{n}") for n in range(20)]
    told = await judged(Answers(*(figures(n, edge_px=3.6 + 0.05 * (n % 5)) for n in range(20))), *soft, want=20,
                        seen=Seen(path))
    assert [one.defect for one in told[0].verdicts[0].reasons] == ["blur"]
    [after] = await judged(Answers(figures(30, edge_px=3.7)), completed(Output("a.png")), seen=Seen(path))
    assert after.verdicts[0].reasons == ()


async def test_memory_is_bounded() -> None:
    judging = Judging(lambda payload: None, Answers(figures()))
    for number in range(2 * MODELS):
        spec = JobSpec("e", f"m{number}")
        for _ in range(3):
            judging._decide(spec, "j", 0, figures(number))
    assert (len(judging._seen), len(judging._last)) == (MODELS, LAST)


def test_a_teller_that_hears_says_what_completed() -> None:
    told: list[say.Say] = []
    made: list[tuple[JobSpec, say.JobReport]] = []
    record: Callable[[JobSpec, say.JobReport], None] = lambda spec, report: made.append((spec, report))  # noqa: E731
    tell = hears(told.append, lambda: SPEC, record)
    failed, done = say.JobReport("j", 1, "w", "failed", 1.0), completed(Output("a.png"))
    tell(failed)
    tell(done)
    assert told == [failed, done]
    assert made == [(SPEC, done)]
