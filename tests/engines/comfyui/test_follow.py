"""A prompt as stages: on every recording, and on what no recording has."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from echodeck.engines.comfyui import frames
from echodeck.engines.comfyui.follow import MOST_STAGES, Follower
from echodeck.model.workflow import Graph


class Heard:
    """A voice that keeps what it says and checks it as a teller does: plans keep what has begun, stages come later."""

    def __init__(self) -> None:
        self.plans: list[list[tuple[str, int]]] = []
        self.stages: list[str] = []
        self.steps: list[tuple[str, int]] = []
        self.pictures: list[int] = []
        self._index = -1

    def plan(self, stages: list[tuple[str, int]]) -> None:
        if self.plans:
            begun = self._index + 1
            assert [name for name, _ in stages[:begun]] == [name for name, _ in self.plans[-1][:begun]]
        assert len({name for name, _ in stages}) == len(stages)
        self.plans.append(list(stages))

    def stage(self, name: str) -> None:
        names = [one for one, _ in self.plans[-1]]
        assert names.index(name) > self._index
        self._index = names.index(name)
        self.stages.append(name)

    def step(self, step: int, preview: Any = None) -> None:
        assert step <= self.plans[-1][self._index][1]
        last = next((n for name, n in reversed(self.steps) if name == self.stages[-1]), 0)
        assert step > last
        self.steps.append((self.stages[-1], step))

    def preview(self, step: int, preview: Any) -> None:
        mime, data = preview()
        assert mime.startswith("image/")
        assert data
        self.pictures.append(step)


def graph(*chain: str, **steps: int) -> Graph:
    """Nodes "1", "2", … of these classes, each fed by the one before."""
    made: Graph = {}
    for n, kind in enumerate(chain, 1):
        inputs: dict[str, Any] = {"before": [str(n - 1), 0]} if n > 1 else {}
        made[str(n)] = {"class_type": kind, "inputs": {**inputs, **({"steps": steps[kind], "seed": 1}
                                                                   if kind in steps else {})}}
    return made


CHAIN = graph("Load", "KSampler", "Decode", "SaveImage", KSampler=4)


def follow(graph_: Graph, *said: frames.Frame) -> tuple[Heard, Follower]:
    heard = Heard()
    follower = Follower(heard, graph_)
    for frame in said:
        follower.take(frame)
    return heard, follower


def runs(node: str) -> frames.Executing:
    return frames.Executing("p", node, node)


START = frames.Started("p")


def test_nodes_are_stages_with_their_steps() -> None:
    heard, follower = follow(CHAIN, START, frames.Cached("p"), runs("1"), runs("2"),
                             *(frames.Progress("p", "2", n, 4) for n in range(5)), frames.Preview("image/png", b"x"),
                             runs("3"), runs("4"), frames.Succeeded("p"))
    assert heard.plans == [[("Load", 0), ("KSampler", 4), ("Decode", 0), ("SaveImage", 0)]]
    assert heard.stages == ["Load", "KSampler", "Decode", "SaveImage"]
    assert heard.steps == [("KSampler", n) for n in (1, 2, 3, 4)]
    assert heard.pictures == [4]
    assert follower.ended == frames.Succeeded("p")


def test_cached_nodes_come_first_and_are_left_out() -> None:
    heard, _ = follow(CHAIN, START, frames.Cached("p", ("1", "2")), runs("3"))
    assert [name for name, _ in heard.plans[-1]] == ["Load", "KSampler", "Decode", "SaveImage"]
    assert heard.stages == ["Decode"]


def test_another_order_than_foreseen_is_planned_anew() -> None:
    heard, _ = follow(CHAIN, START, runs("2"), runs("1"), runs("4"))
    assert heard.stages == ["KSampler", "Load", "SaveImage"]
    assert [name for name, _ in heard.plans[-1]] == ["KSampler", "Load", "SaveImage", "Decode"]


def test_who_joins_in_the_middle_takes_what_is_done_as_done() -> None:
    def at(node: str, state: str) -> frames.NodeProgress:
        return frames.NodeProgress(node, node, state, 1.0, 1.0)

    heard, _ = follow(CHAIN, frames.ProgressState("p", (at("1", "finished"), at("2", "running"))),
                      frames.Progress("p", "2", 3, 4))
    assert heard.stages == ["KSampler"]
    assert heard.steps == [("KSampler", 3)]
    assert heard.plans[-1][0] == ("Load", 0)


def test_steps_that_are_counted_again_add_up() -> None:
    said = [frames.Progress("p", "2", n, 3) for n in (1, 2, 3, 1, 2, 3, 2)]
    heard, _ = follow(CHAIN, START, runs("2"), *said)
    assert [step for _, step in heard.steps] == [1, 2, 3, 4, 5, 6, 8]
    assert dict(heard.plans[-1])["KSampler"] == 9


def test_bytes_are_shown_in_hundredths() -> None:
    heard, _ = follow(CHAIN, START, runs("1"), frames.Progress("p", "1", 5e8, 1e9))
    assert heard.steps == [("Load", 50)]
    assert dict(heard.plans[-1])["Load"] == 100


def test_nodes_made_on_the_way_belong_to_the_one_that_made_them() -> None:
    heard, _ = follow(CHAIN, START, frames.Executing("p", "2:7", "2"), frames.Progress("p", "2:7.0", 1, 4))
    assert heard.stages == ["KSampler"]
    assert heard.steps == [("KSampler", 1)]


def test_a_loop_comes_back_as_another_round() -> None:
    heard, _ = follow(CHAIN, START, runs("1"), runs("2"), runs("1"), runs("2"), runs("3"))
    assert heard.stages == ["Load", "KSampler", "Load (round 2)", "KSampler (round 2)", "Decode"]


def test_a_loop_without_end_is_shown_up_to_a_bound() -> None:
    heard, _ = follow(CHAIN, START, *(runs(str(1 + n % 2)) for n in range(3 * MOST_STAGES)))
    assert len(heard.stages) <= MOST_STAGES


def test_nothing_is_taken_after_the_end() -> None:
    heard, _ = follow(CHAIN, START, runs("1"), frames.Interrupted("p"), runs("2"))
    assert heard.stages == ["Load"]


@pytest.mark.parametrize("scenario", ["success", "success_metadata_flag", "cached", "error", "oom", "interrupted",
                                      "ksampler", "ksampler_default_preview", "queue4_delete", "ws_output"])
def test_every_recording_can_be_followed(recorded: Any, frames_of: Any, scenario: str) -> None:
    graphs = {call["body"]["prompt_id"]: call["request"]["prompt"] for call in recorded(f"{scenario}.rest")
              if call["path"] == "/prompt" and call["method"] == "POST" and call["status"] == 200}
    followers: dict[str, tuple[Heard, Follower]] = {}
    for frame in frames_of(f"{scenario}.submitter"):
        prompt_id = getattr(frame, "prompt_id", "")
        if prompt_id in graphs:
            heard, follower = followers.setdefault(prompt_id, _new(graphs[prompt_id]))
            follower.take(frame)
    assert followers
    for heard, follower in followers.values():
        assert follower.ended is not None
        assert heard.plans


def _new(graph_: Graph) -> tuple[Heard, Follower]:
    heard = Heard()
    return heard, Follower(heard, graph_)


def test_a_real_sampler_has_the_stages_that_it_ran(recorded: Any, frames_of: Any) -> None:
    [graph_] = [call["request"]["prompt"] for call in recorded("ksampler.rest")
                if call["path"] == "/prompt" and call["method"] == "POST"]
    heard, follower = _new(graph_)
    for frame in frames_of("ksampler.submitter"):
        follower.take(frame)
    ran = [one.node for one in frames_of("ksampler.submitter") if isinstance(one, frames.Executing) and one.node]
    assert len(heard.stages) == len(ran)
    assert len(heard.plans) == 1, "the order was foreseen"
    assert heard.steps


nodes = st.sampled_from(["1", "2", "3", "4", "2:9", "nowhere", ""])
anything = st.one_of(
    st.just(START), st.builds(runs, nodes), st.builds(frames.Cached, st.just("p"), st.lists(nodes).map(tuple)),
    st.builds(frames.Progress, st.just("p"), nodes, st.floats(-2, 1e12), st.floats(-2, 1e12)),
    st.builds(frames.ProgressState, st.just("p"), st.lists(st.builds(
        frames.NodeProgress, nodes, nodes, st.sampled_from(["finished", "running", "?"]), st.just(1.0),
        st.just(1.0))).map(tuple)),
    st.just(frames.Preview("image/png", b"x")), st.just(frames.Unknown("news")), st.just(frames.Interrupted("p")),
)


@given(st.lists(anything, max_size=60))
def test_any_order_of_frames_gives_a_story_that_holds(said: list[frames.Frame]) -> None:
    follow(CHAIN, *said)
