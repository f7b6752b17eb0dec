"""The engine as the agent runs it."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from echodeck.engines import find
from echodeck.engines.sketch import INFO, Sketch
from echodeck.engines.sketch.bank import draw
from echodeck.engines.sketch.noise import Noise
from echodeck.engines.sketch.prompt import read
from echodeck.errors import BadField, Cancelled, EngineError
from echodeck.model.job import JobSpec

from .conftest import Recorder

Make = Callable[..., JobSpec]


def run(sketch: Sketch, spec: JobSpec, control: Recorder | None = None, job_id: str = "job") -> Recorder:
    control = control or Recorder()
    sketch.run(job_id, spec, control)
    return control


def pixels(path: str | Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"), np.float32) / 255


def test_it_is_found_by_name() -> None:
    assert find("sketch") is Sketch


def test_a_job_goes_through_its_stages(sketch: Sketch, spec: Make) -> None:
    control = run(sketch, spec(steps=4))
    assert control.planned == [("load model", 0), ("sample", 4), ("decode", 0), ("save", 0)]
    assert control.stages == ["load model", "sample", "decode", "save"]
    assert control.steps == [1, 2, 3, 4]
    [output] = control.outputs
    path = sketch.output_dir / "job" / "00.png"
    assert (output.path, output.kind, output.width, output.height, output.frames) == (str(path), "image/png", 64, 64, 1)
    assert output.size_bytes == path.stat().st_size
    assert [entry.name for entry in path.parent.iterdir()] == ["00.png"]


@pytest.mark.parametrize("model", [model.name for model in INFO.models])
@pytest.mark.parametrize("sampler", INFO.samplers)
def test_every_model_and_sampler(sketch: Sketch, spec: Make, model: str, sampler: str) -> None:
    control = run(sketch, spec(model=model, sampler=sampler, steps=2, width=64, height=64))
    assert pixels(control.outputs[0].path).shape == (64, 64, 3)


@pytest.mark.parametrize(("width", "height"), [(64, 512), (512, 64), (136, 72), (256, 200)])
def test_every_shape_comes_out_as_asked(sketch: Sketch, spec: Make, width: int, height: int) -> None:
    control = run(sketch, spec(width=width, height=height, steps=2))
    assert pixels(control.outputs[0].path).shape == (height, width, 3)


@pytest.mark.parametrize(("field", "value"), [
    ("width", 63), ("width", 68), ("width", 520), ("height", 0), ("steps", 0), ("steps", 151), ("seed", -1),
    ("seed", 2**32), ("batch", 9), ("frames", 49), ("model", "sketch-xl"), ("sampler", "magic"),
])
def test_what_it_cannot_do_is_refused_by_its_bounds(spec: Make, field: str, value: object) -> None:
    with pytest.raises(BadField) as caught:
        spec(**{field: value})
    assert caught.value.field == field


def test_same_seed_same_bytes_and_another_seed_another_picture(tmp_path: Path, spec: Make) -> None:
    first, second, third = (Sketch(tmp_path / name) for name in "abc")
    made = [run(engine, spec(seed=seed)).outputs[0].path for engine, seed in ((first, 5), (second, 5), (third, 6))]
    assert Path(made[0]).read_bytes() == Path(made[1]).read_bytes()
    assert np.abs(pixels(made[0]) - pixels(made[2])).mean() > 0.01


@pytest.mark.parametrize("frames", [1, 3])
def test_two_processes_make_the_same_bytes(tmp_path: Path, frames: int) -> None:
    script = f"""
import sys
from pathlib import Path
from echodeck.engines.sketch import INFO, Sketch
from echodeck.model.engine import fit

class Quiet:
    def __getattr__(self, name):
        return lambda *told: None

wanted = {{"width": 72, "height": 64, "steps": 3, "seed": 9, "frames": {frames}, "prompt": "winter lake"}}
Sketch(Path(sys.argv[1])).run("job", fit(INFO, wanted), Quiet())
"""
    made = []
    for name in ("one", "two"):
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "PYTHONHASHSEED": str(len(made))}
        command = [sys.executable, "-c", script, str(tmp_path / name)]
        subprocess.run(command, check=True, timeout=120, env=environment)
        [path] = (tmp_path / name / "job").iterdir()
        made.append(path.read_bytes())
    assert made[0] == made[1]


@pytest.mark.parametrize("prompt", ["dusk hills", "night lake", "portrait dawn"])
def test_pictures_are_new_and_yet_like_the_scenes(sketch: Sketch, spec: Make, prompt: str) -> None:
    """How near a picture is to its nearest scene, measured by how near the scenes are to each other."""
    scenes = [draw(read(prompt), i, 64, 64) for i in range(64)]
    scenes += [scene[:, ::-1] for scene in scenes]
    usual = np.mean([
        min(float(np.abs(scenes[i] - scene).mean()) for k, scene in enumerate(scenes) if k not in (i, i + 64))
        for i in range(0, 64, 8)
    ])
    output = run(sketch, spec(prompt=prompt, steps=20, seed=3, batch=5)).outputs
    pictures = [pixels(entry.path) for entry in output]
    nearest = [min(float(np.abs(scene - picture).mean()) for scene in scenes) for picture in pictures]
    assert min(nearest) > 0.2 * usual, "a copy of a training scene"
    assert np.median(nearest) > 0.6 * usual, "most are nearly copies"
    assert max(nearest) < 2.5 * usual, "nothing like any training scene"
    steps = np.mean([np.abs(np.diff(picture, axis=1)).mean() for picture in pictures])
    assert steps < 2 * np.mean([np.abs(np.diff(scene, axis=1)).mean() for scene in scenes]), "noise is left"
    assert min(picture.std() for picture in pictures) > 0.08


def test_a_landscape_has_its_sky_above(sketch: Sketch, spec: Make) -> None:
    picture = pixels(run(sketch, spec(prompt="day mountains", steps=12)).outputs[0].path)
    assert picture[:16].mean() > picture[-16:].mean() + 0.1
    assert picture[:16, :, 2].mean() > picture[:16, :, 0].mean() + 0.1


def test_words_change_the_colours(sketch: Sketch, spec: Make) -> None:
    day, night = (
        pixels(run(sketch, spec(prompt=f"{word} hills", steps=6)).outputs[0].path) for word in ("day", "night")
    )
    assert day.mean() > night.mean() + 0.2


def test_batch_members_are_the_pictures_of_the_following_seeds(sketch: Sketch, spec: Make) -> None:
    batch = run(sketch, spec(batch=2, seed=2**32 - 1), job_id="batch").outputs
    alone = run(sketch, spec(seed=0), job_id="alone").outputs
    assert [Path(output.path).name for output in batch] == ["00.png", "01.png"]
    assert Path(batch[1].path).read_bytes() == Path(alone[0].path).read_bytes()


def test_a_film_is_one_file_with_all_its_frames(sketch: Sketch, spec: Make) -> None:
    control = run(sketch, spec(frames=5, steps=6, prompt="dusk lake"))
    [output] = control.outputs
    assert (output.kind, output.frames) == ("image/webp", 5)
    assert control.steps == [1, 2, 3, 4, 5, 6]
    with Image.open(output.path) as film:
        assert film.n_frames == 5
        assert film.info["loop"] == 0
        xmp = film.info["xmp"].decode()
        frames = []
        for i in range(5):
            film.seek(i)
            frames.append(np.asarray(film.convert("RGB"), np.float32) / 255)
    assert "<echodeck:prompt>dusk lake</echodeck:prompt>" in xmp
    moves = [float(np.abs(frame - frames[i - 1]).mean()) for i, frame in enumerate(frames)]
    assert min(moves) > 0.001, "two frames are the same"
    assert max(moves) < 0.15, "a jump in a film that should flow"


def test_frames_of_a_film_are_normal_noise_and_neighbours_are_alike() -> None:
    frames = Noise(seed=1, batch=1, frames=12, rows=40, columns=40)()
    assert frames.shape == (12, 3, 40, 40)
    assert frames.std(axis=(1, 2, 3)) == pytest.approx(1.0, abs=0.06)
    like = [float(np.mean(frames[0] * frame)) for frame in frames]
    assert like[1] == pytest.approx(like[11], abs=0.02), "the film is a loop"
    assert like[1] > like[6] > 0.7


def test_previews_sharpen_from_the_mean_to_the_picture(sketch: Sketch, spec: Make) -> None:
    control = run(sketch, spec(width=128, height=64, steps=10, prompt="day forest"), Recorder(want_previews=True))
    images = []
    for mime, data in control.previews:
        assert mime == "image/jpeg"
        with Image.open(io.BytesIO(data)) as image:
            assert image.size == (192, 96)
            images.append(np.asarray(image.convert("L"), np.float32))
    detail = [float(np.abs(np.diff(image, axis=1)).mean()) for image in images]
    assert len(detail) == 10
    assert detail[-1] > 1.5 * detail[0]


def test_the_second_job_of_a_kind_keeps_the_bank(sketch: Sketch, spec: Make) -> None:
    first, second = run(sketch, spec(seed=1)), run(sketch, spec(seed=2))
    other = run(sketch, spec(prompt="night face"))
    assert "drawing 64 training scenes" in first.logs[0]
    assert "still loaded" in second.logs[0]
    assert "drawing 64 training scenes: night face" in other.logs[0]
    sketch.free()
    assert "drawing 64 training scenes: night face" in run(sketch, spec(prompt="night face")).logs[0]


def test_an_idle_engine_lets_go_of_the_bank(tmp_path: Path, spec: Make) -> None:
    sketch = Sketch(tmp_path, idle_s=0.0)
    for seed in (1, 2):
        assert "drawing 64 training scenes" in run(sketch, spec(seed=seed)).logs[0]
        assert sketch._letting_go is not None
        sketch._letting_go.join(20)


def test_an_engine_that_works_on_does_not(sketch: Sketch, spec: Make) -> None:
    run(sketch, spec(seed=1))
    first = sketch._letting_go
    assert "still loaded" in run(sketch, spec(seed=2)).logs[0]
    assert first is not None
    first.join(20)
    assert "still loaded" in run(sketch, spec(seed=3)).logs[0], "what was to let go then was stopped"


def test_cancel_ends_at_the_step(sketch: Sketch, spec: Make) -> None:
    control = Recorder(cancel_at=2)
    with pytest.raises(Cancelled):
        run(sketch, spec(steps=50), control)
    assert control.steps == [1, 2]
    assert not control.outputs
    assert not (sketch.output_dir / "job").exists()


@pytest.mark.parametrize("stage", ["load model", "decode"])
def test_cancel_between_the_pictures_and_scenes_of_a_stage(sketch: Sketch, spec: Make, stage: str) -> None:
    class Stop(Recorder):
        def checkpoint(self) -> None:
            self.seen = getattr(self, "seen", 0) + (self.stages[-1:] == [stage])
            if self.seen == 2:
                raise Cancelled

    control = Stop()
    with pytest.raises(Cancelled):
        run(sketch, spec(batch=3), control)
    assert control.stages[-1] == stage


def test_pause_holds_it_at_the_step_and_resume_lets_it_end(sketch: Sketch, spec: Make) -> None:
    control = Recorder(pause_at=2)
    thread = threading.Thread(target=run, args=(sketch, spec(steps=4), control))
    thread.start()
    assert control.paused.wait(30)
    assert control.steps == [1, 2]
    control.resume.set()
    thread.join(30)
    assert not thread.is_alive()
    assert control.steps == [1, 2, 3, 4]
    assert len(control.outputs) == 1


@pytest.mark.parametrize("job_id", ["", "..", "a/b", "../up", "/etc"])
def test_a_job_id_cannot_lead_out_of_the_directory(sketch: Sketch, spec: Make, job_id: str) -> None:
    with pytest.raises(EngineError, match="cannot name a directory"):
        run(sketch, spec(steps=1), job_id=job_id)
