"""The nodes that sample: which they are, how many steps each takes, which is the main one, where its seed stands.

Known by their inputs rather than by their names, so that custom samplers are found too: one that has steps and a seed
(KSampler, KSamplerAdvanced and most others), or one that is given sigmas and a sampler (SamplerCustom,
SamplerCustomAdvanced).
"""

from __future__ import annotations

from collections.abc import Sequence

from .graph import Graph, Link, Site, class_of, inputs_of, link_of, literal, number, site, whole

SEEDS = ("seed", "noise_seed")
_STARTS, _ENDS = ("start_at_step", "start_step"), ("end_at_step", "end_step")
_DEEPEST = 64


def is_sampler(graph: Graph, node_id: str) -> bool:
    names = inputs_of(graph, node_id).keys()
    by_steps = "steps" in names and not names.isdisjoint(SEEDS)
    return by_steps or ("sigmas" in names and not names.isdisjoint(("sampler", "guider")))


def steps_of(node_id: str, graph: Graph) -> int:
    """The steps that a sampler will take; 0 for other nodes, and where it cannot be told."""
    if node_id not in graph or not is_sampler(graph, node_id):
        return 0
    if (sigmas := link_of(graph, node_id, "sigmas")) is not None:
        return _steps_of_sigmas(graph, sigmas)
    steps = schedule_steps(graph, node_id)
    # An end of 0 or −1 means "to the last step" in some nodes, and none has an end before its start.
    end = min(whole(graph, node_id, *_ENDS) or steps, steps)
    return max(0, end - whole(graph, node_id, *_STARTS))


def schedule_steps(graph: Graph, node_id: str) -> int:
    """The steps of the whole schedule of which a sampler may take a part only."""
    if (sigmas := link_of(graph, node_id, "sigmas")) is not None:
        return _steps_of_sigmas(graph, sigmas, whole_schedule=True)
    return 0 if number(graph, node_id, "denoise") == 0 else whole(graph, node_id, "steps")


def main_sampler(graph: Graph, running: Sequence[str]) -> str | None:
    """The sampler that takes most steps; of several the one that runs first. None if nothing samples.

    `running` are the nodes that will run, in their order. A refiner or an upscaling pass that takes fewer steps is
    not the main one.
    """
    samplers = [node_id for node_id in running if is_sampler(graph, node_id)]
    return max(samplers, key=lambda node_id: steps_of(node_id, graph), default=None)


def seed_site(graph: Graph, running: Sequence[str]) -> Site | None:
    """Where the seed stands that decides the picture: the main sampler's own.

    A sampler that adds no noise (the second of a pair) has a seed without effect: then it is that of the first one
    that adds some. Without any sampler it is the first seed there is.
    """
    main = main_sampler(graph, running)
    samplers = [node_id for node_id in running if is_sampler(graph, node_id) and _adds_noise(graph, node_id)]
    first = [main] if main in samplers else samplers or ([main] if main else [])
    for node_id in (*first, *running):
        noise = link_of(graph, node_id, "noise")
        for holder in (node_id, *((noise[0],) if noise else ())):
            for name in SEEDS:
                where = site(graph, holder, name)
                if where is not None and is_seed(inputs_of(graph, where[0])[where[1]]):
                    return where
    return None


def is_seed(value: object) -> bool:
    """Some nodes take −1 for "any": that is no seed."""
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _adds_noise(graph: Graph, node_id: str) -> bool:
    return literal(graph, node_id, "add_noise") not in ("disable", False)


def _steps_of_sigmas(graph: Graph, link: Link, *, whole_schedule: bool = False) -> int:
    """The steps of a list of noise levels: from the scheduler that makes it, through the nodes that cut it."""
    cuts: list[tuple[str, str, int]] = []
    node_id, slot = link
    while (inner := link_of(graph, node_id, "sigmas")) is not None and len(cuts) < _DEEPEST:
        cuts.append((class_of(graph, node_id), node_id, slot))
        node_id, slot = inner
    steps = _steps_of_scheduler(graph, node_id)
    for kind, cut, half in reversed(cuts if not whole_schedule else []):
        if kind == "SplitSigmas":
            first = min(steps, whole(graph, cut, "step"))
        elif kind == "SplitSigmasDenoise":
            kept = number(graph, cut, "denoise")
            first = steps - round(steps * min(1.0, max(0.0, 1.0 if kept is None else kept)))
        else:
            continue
        steps = first if half == 0 else steps - first
    return steps


def _steps_of_scheduler(graph: Graph, node_id: str) -> int:
    listed = literal(graph, node_id, "sigmas")
    if isinstance(listed, str):  # ManualSigmas: the levels as a text, one more than steps
        return max(0, len([part for part in listed.replace(",", " ").split() if part]) - 1)
    return 0 if number(graph, node_id, "denoise") == 0 else whole(graph, node_id, "steps")
