"""What a job took, added up in pieces: the same as at once, wherever it is cut and however the samples fall."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from echodeck.model.job import Job, JobSpec, Stage, StageState
from echodeck.model.meter import Taken, add, pids_of, spans_of, usages_of
from echodeck.model.record import Gpu, GpuProcess, Host, Process
from echodeck.model.share import Stay
from echodeck.model.usage import FIGURES, NOT_LISTED, Span, total

GB = 1 << 30
GPU = Gpu(0, "RTX 3060", "nvidia", util_percent=50.0, vram_used_bytes=4 * GB, power_w=100.0)
OTHER = Gpu(1, "RX 9070 XT", "amd", util_percent=10.0, vram_used_bytes=GB, power_w=50.0)
JOB = Job("a", JobSpec("sketch", "m"))


def host(at_s: float, *gpus: Gpu) -> Host:
    return Host("studio", at_s, gpus=gpus or (GPU,))


def done(*borders: float) -> Job:
    """Stages that follow each other."""
    stages = [Stage(f"stage {n}", StageState.COMPLETED, started_s=begin_s, duration_s=borders[n + 1] - begin_s)
              for n, begin_s in enumerate(borders[:-1])]
    return replace(JOB, stages=tuple(stages))


def test_the_spans_of_a_job_are_its_stages_that_began() -> None:
    stages = (Stage("load", StageState.COMPLETED, started_s=5.0, duration_s=2.0), Stage("skipped", StageState.SKIPPED),
              Stage("sample", StageState.RUNNING, started_s=7.0), Stage("save"))
    assert spans_of(replace(JOB, stages=stages)) == {0: Span("load", 5.0, 7.0), 2: Span("sample", 7.0, math.inf)}


def test_a_stage_that_runs_is_counted_as_far_as_it_got() -> None:
    job = replace(JOB, stages=(Stage("sample", StageState.RUNNING, started_s=1.0),))
    samples = [host(float(n)) for n in range(20)]
    taken = add(Taken(), job, samples, 5.0)
    assert (taken.stages[0].length_s, taken.stages[0].energy_wh) == (4.0, pytest.approx(400.0 / 3600.0))
    taken = add(taken, job, samples, 11.0)
    assert taken.stages[0].length_s == 10.0
    assert add(taken, job, samples, 11.0) is taken, "nothing is counted twice"
    assert add(taken, job, samples, 3.0) is taken
    [ended] = usages_of(add(taken, done(1.0, 13.0), samples, math.inf))
    assert (ended.length_s, ended.power_w and ended.power_w.integral) == (12.0, 1200.0)


def test_a_stage_without_an_end_is_not_counted_to_the_end_of_time() -> None:
    job = replace(JOB, stages=(Stage("sample", StageState.RUNNING, started_s=1.0),))
    assert add(Taken(), job, [host(1.0)], math.inf).stages == {}


def test_nothing_measured_is_nothing_to_keep() -> None:
    assert usages_of(add(Taken(), done(0.0, 2.0), [], math.inf)) == ()
    assert usages_of(add(Taken(), done(0.0, 2.0), [host(90.0), host(91.0)], math.inf)) == ()


def test_the_processes_are_the_engines_or_the_workers_own() -> None:
    busy = replace(host(0.0), generators=(
        Process("comfyui", 7, 1.0, 1, "comfyui"), Process("x.py", 8, 1.0, 1, "script")))
    assert pids_of([busy], "comfyui", 5) == {7}
    assert pids_of([busy], "sketch", 5) == {5}
    assert pids_of([busy], "", 0) == pids_of([], "comfyui", 0) == frozenset()


def test_two_servers_of_a_kind_are_told_apart_by_their_ports() -> None:
    first, second = Process("comfyui", 7, 1.0, 1, "comfyui", ports=(8188,)), Process("comfyui", 8, 1.0, 1, "comfyui")
    child = replace(first, pid=70)
    busy = replace(host(0.0), generators=(first, child, replace(second, ports=(8189, 9000))))
    assert pids_of([busy], "comfyui", 5, 8188) == {7, 70}
    assert pids_of([busy], "comfyui", 5, 8189) == {8}
    assert pids_of([busy], "comfyui", 5, 8190) == frozenset(), "they are others', and the engine's is not here"
    assert pids_of([busy], "comfyui", 5) == frozenset(), "it can be either"
    assert pids_of([replace(busy, generators=(first, second))], "comfyui", 5, 8189) == {8}, "the other is elsewhere"
    mute = replace(busy, generators=(replace(first, ports=()), second))
    assert pids_of([mute], "comfyui", 5, 8188) == frozenset()
    forge = replace(busy, generators=(replace(first, engine="forge", ports=(7860,)),))
    assert pids_of([forge], "a1111", 5, 7860) == {7}, "whatever it is called"


def test_of_several_scripts_the_one_that_tells_of_the_job_counts() -> None:
    busy = replace(host(0.0), generators=(
        Process("a.py", 7, 1.0, 1, "script"), Process("b.py", 8, 1.0, 1, "script")))
    assert pids_of([busy], "script", 8) == {8}
    assert pids_of([busy], "script", 0) == frozenset()


def test_what_cannot_be_told_apart_is_the_whole_gpus() -> None:
    used = replace(GPU, processes=(GpuProcess(7, "python", GB), GpuProcess(8, "python", 2 * GB)))
    mute = tuple(Process("comfyui", pid, 1.0, 1, "comfyui") for pid in (7, 8))
    told = tuple(replace(one, ports=(8180 + one.pid,)) for one in mute)
    for generators, own, peak_bytes in ((mute, False, 4 * GB), (told, True, 2 * GB)):
        samples = [replace(host(float(n), used), generators=generators) for n in range(5)]
        [usage] = usages_of(add(Taken(), done(0.0, 4.0), samples, math.inf, engine="comfyui", worker=5, port=8188))
        assert usage.by_process is own
        assert usage.vram_bytes
        assert usage.vram_bytes.peak == peak_bytes


def test_only_the_gpu_that_its_processes_are_on_counts() -> None:
    used = replace(GPU, processes=(GpuProcess(7, "python", 3 * GB), GpuProcess(9, "game", GB)))
    samples = [host(float(n), used, OTHER) for n in range(5)]
    [own] = usages_of(add(Taken(), done(0.0, 4.0), samples, math.inf, worker=7))
    assert own.by_process
    assert own.power_w
    assert own.power_w.mean == 100.0
    assert own.vram_bytes
    assert own.vram_bytes.peak == 3 * GB
    [other] = usages_of(add(Taken(), done(0.0, 4.0), samples, math.inf, worker=4))
    assert not other.by_process
    assert other.power_w
    assert other.power_w.mean == 50.0, "where it may be, as nobody tells who is on that one"
    assert other.vram_bytes
    assert other.vram_bytes.peak == GB


def test_what_works_on_no_gpu_took_nothing_of_one() -> None:
    used = replace(GPU, processes=(GpuProcess(9, "python", GB),))
    samples = [host(float(n), used) for n in range(5)]
    taken = add(Taken(), done(0.0, 4.0), samples, 3.0, worker=7)
    assert taken.stages[0].power_w is taken.stages[0].vram_bytes is taken.stages[0].gpu_percent is None
    assert taken.stages[0].gpu_reason == NOT_LISTED
    assert add(Taken(), done(0.0, 4.0), samples, 3.0).stages[0].gpu_reason == "", "nobody knows its processes"
    later = [*samples[:4], host(4.0, replace(GPU, processes=(GpuProcess(7, "python", GB),)))]
    taken = add(taken, done(0.0, 4.0), later, math.inf, worker=7)
    assert (taken.stages[0].gpu_reason, taken.gpus) == ("", {0}), "it came to the GPU late"
    asleep = [host(float(n), replace(GPU, reason="asleep", asleep=True)) for n in range(5)]
    assert add(Taken(), done(0.0, 4.0), asleep, 3.0, worker=7).stages[0].gpu_reason == ""


def test_two_jobs_on_a_gpu_share_its_energy() -> None:
    loads = {7: 60.0, 8: 20.0}
    users = tuple(GpuProcess(pid, "python", GB, load) for pid, load in loads.items())
    samples = [host(float(n), replace(GPU, processes=users)) for n in range(11)]
    energy = {}
    for pid in loads:
        other = Stay(0.0, math.inf, frozenset({15 - pid}))
        [usage] = usages_of(add(Taken(), done(0.0, 10.0), samples, math.inf, worker=pid, others=[other]))
        assert usage.shared
        assert usage.power_w
        assert usage.by_process
        energy[pid] = usage.power_w.integral
    assert energy == {7: 750.0, 8: 250.0}


def test_only_as_long_as_both_are_there() -> None:
    samples = [host(float(n)) for n in range(21)]
    beside = [Stay(5.0, 10.0), Stay(30.0, math.inf)]
    job = done(0.0, 4.0, 12.0)
    first, second = usages_of(add(Taken(), job, samples, math.inf, others=beside))
    assert (first.shared, second.shared, total([first, second]).shared) == (False, True, True)
    assert first.power_w
    assert second.power_w
    assert (first.power_w.integral, second.power_w.integral) == (400.0, 75.0 + 5 * 50.0 + 75.0 + 100.0)


@given(st.floats(0.0001, 1e4), st.lists(st.floats(0.0005, 10.0), min_size=1, max_size=6))
def test_the_mean_is_never_above_the_peak(power_w: float, lengths: list[float]) -> None:
    borders = [sum(lengths[:n]) for n in range(len(lengths) + 1)]
    samples = [host(at_s, replace(GPU, power_w=power_w)) for at_s in sorted({*borders, borders[-1] + 1.0})]
    for usage in usages_of(add(Taken(), done(*borders), samples, math.inf)):
        if usage.power_w and usage.power_w.measured_s:
            assert usage.power_w.mean <= usage.power_w.peak


def test_the_gpu_once_seen_is_remembered() -> None:
    samples = [host(float(n), replace(GPU, processes=(GpuProcess(7, "python", GB),)), OTHER) for n in range(5)]
    taken = add(Taken(), done(0.0, 9.0), samples, 4.0, worker=7)
    mute = [host(float(n), GPU, OTHER) for n in range(4, 10)]
    [usage] = usages_of(add(taken, done(0.0, 9.0), mute, math.inf, worker=7))
    assert usage.power_w
    assert (usage.power_w.mean, usage.power_w.measured_s) == (100.0, 9.0)
    assert not usage.by_process, "for a while it was the whole GPU's"


steps = st.lists(st.tuples(st.floats(0.05, 5.0), st.none() | st.floats(0, 1000)), min_size=2, max_size=30)


@given(steps, st.lists(st.floats(0, 1), min_size=1, max_size=4), st.lists(st.floats(-0.1, 1.1), max_size=5))
def test_pieces_add_up_to_the_whole(track: list[tuple[float, float | None]], borders: list[float],
                                    cuts: list[float]) -> None:
    at_s, samples = 0.0, []
    for step_s, power_w in track:
        at_s += step_s
        samples.append(host(at_s, replace(GPU, power_w=power_w)))
    job = done(0.0, *sorted(border * at_s for border in borders), at_s + 1.0)
    whole = add(Taken(), job, samples, math.inf)
    taken = Taken()
    for cut in sorted(cuts):
        until_s = cut * at_s
        # What has not begun, or not ended, is not known yet.
        known = tuple(replace(stage, duration_s=None) if (stage.started_s or 0.0) + (stage.duration_s or 0.0) > until_s
                      else stage for stage in job.stages if (stage.started_s or 0.0) <= until_s)
        seen = [sample for sample in samples if sample.at_s <= until_s + 10.0]
        taken = add(taken, replace(job, stages=known), seen, until_s)
    taken = add(taken, job, samples, math.inf)
    assert taken.stages.keys() == whole.stages.keys()
    for place, of_whole in whole.stages.items():
        assert taken.stages[place].length_s == pytest.approx(of_whole.length_s)
        for name in FIGURES:
            one, other = getattr(taken.stages[place], name), getattr(of_whole, name)
            assert (one is None) == (other is None)
            if one is not None:
                assert one.integral == pytest.approx(other.integral, rel=1e-6, abs=1e-3)
                assert one.measured_s == pytest.approx(other.measured_s, abs=1e-6)
                assert one.peak == pytest.approx(other.peak)
