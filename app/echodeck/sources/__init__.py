"""Sources: what measures a machine. Each is read once a period; a figure that cannot be had is None, with a reason."""

from __future__ import annotations

from typing import Protocol

from ..model.record import Gpu, Host


class GpuSource(Protocol):
    """The GPUs of one vendor. `read` returns them and, when there are none, why in a sentence."""

    vendor: str

    def read(self) -> tuple[tuple[Gpu, ...], str]: ...


class Source(Protocol):
    """A machine. `read` measures it; rates are over the measured time since the last call."""

    def read(self) -> Host: ...
