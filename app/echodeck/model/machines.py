"""Which machine is called what here, when several call themselves the same."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from itertools import count


@dataclass(frozen=True, slots=True)
class Machine:
    """A machine that was heard of. `name` is what it is called here, `asked` what it calls itself.

    `id` stays from start to start, but clones of a disk or of a container's image share it. `boot` tells the kernels
    that run at one time apart, and is another after each start. Either is "" where the machine does not tell.
    """

    name: str
    asked: str = ""
    id: str = ""
    boot: str = ""

    @property
    def renamed(self) -> bool:
        return bool(self.asked) and self.name != self.asked


def name_for(hello: Machine, known: Iterable[Machine], here: Collection[str]) -> str:
    """What a machine that says hello is called: as before, else the first of "x", "x (2)", "x (3)"… that none of those
    that are `here` now, by their names, has.

    A name whose machine is away is taken over: a system that was installed anew is likelier than a namesake.
    """
    if not hello.id:
        return hello.asked
    own = [one for one in known if one.asked == hello.asked]
    for same in (_boots_as, _may_be):
        for one in own:
            if same(one, hello, one.name in here):
                return one.name
    return next(name for name in _names(hello.asked) if name not in here)


def _boots_as(known: Machine, hello: Machine, is_here: bool) -> bool:
    return bool(hello.boot) and known.boot == hello.boot


def _may_be(known: Machine, hello: Machine, is_here: bool) -> bool:
    """One that is here, with another kernel running, is another machine, whatever its id; one that says nothing of
    itself is taken for the same."""
    if is_here and known.boot and hello.boot:
        return False
    return known.id == hello.id or (is_here and not known.id)


def _names(asked: str) -> Iterable[str]:
    yield asked
    for number in count(2):
        yield f"{asked} ({number})"
