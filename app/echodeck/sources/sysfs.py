"""The kernel's small files: one figure each, filled when it is read. Every path begins at a root, "/" but in tests."""

from __future__ import annotations

import errno
import re
from collections.abc import Mapping
from pathlib import Path

MOST_BYTES = 65536
WORDS = {
    errno.ENOENT: "this kernel or device has no such figure", errno.EPERM: "the device is asleep or in reset",
    errno.EBUSY: "the device is asleep or in reset", errno.EACCES: "this user may not read it",
    errno.ENODEV: "the device is gone", errno.EINVAL: "the device does not tell it",
    errno.EOPNOTSUPP: "the device does not tell it",
}
ERRORS = (OSError, ValueError, LookupError)
"""What reading a figure may raise: no file, no answer, or one that is no figure."""


class Folder:
    """A folder of such files."""

    def __init__(self, path: Path) -> None:
        self.path, self._base = path, str(path)

    def data(self, name: str) -> bytes:
        """What the kernel answers now. Raises OSError."""
        with open(f"{self._base}/{name}", "rb", buffering=0) as file:
            return file.read(MOST_BYTES) or b""

    def text(self, name: str) -> str:
        return self.data(name).decode("utf-8", "replace").strip()

    def number(self, name: str, scale: float = 1.0) -> float:
        """Raises OSError, or ValueError for what is no number."""
        return float(self.text(name)) * scale

    def whole(self, name: str) -> int:
        return int(self.text(name), 0)

    def has(self, name: str) -> bool:
        return (self.path / name).exists()


class Hwmon(Folder):
    """A chip of the hwmon interface: channels such as `temp1`, found by what their label says.

    Units are the kernel's: temperatures in m°C, power in µW, energy in µJ, frequency in Hz, fans in RPM
    (Documentation/hwmon/sysfs-interface.rst).
    """

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._labels = labels(path)

    def channel(self, kind: str, label: str) -> str:
        """`temp2` for ("temp", "junction"). Raises LookupError when no channel has the label."""
        return self._labels[kind, label]

    def labelled(self, kind: str, label: str, scale: float) -> float:
        return self.number(f"{self.channel(kind, label)}_input", scale)

    def knows(self, kind: str, label: str) -> bool:
        return (kind, label) in self._labels


def labels(path: Path) -> Mapping[tuple[str, str], str]:
    """(kind, label) -> channel of a hwmon folder, as far as its labels can be read."""
    found = {}
    for file in sorted(path.glob("*_label")):
        channel = file.name.removesuffix("_label")
        try:
            found[channel.rstrip("0123456789"), file.read_text().strip()] = channel
        except (OSError, ValueError):  # asleep: its labels are read when it is made anew
            continue
    return found


def hwmon_of(device: Path) -> Hwmon | None:
    """The chip of a device; None when it has none, or no longer."""
    return next((Hwmon(path) for path in sorted((device / "hwmon").glob("hwmon*"))), None)


def why(error: Exception) -> str:
    """An error of reading a figure, in a few words."""
    if isinstance(error, OSError):
        return WORDS.get(error.errno or 0, error.strerror or "it cannot be read")
    return WORDS[errno.ENOENT] if isinstance(error, LookupError) else "the answer is no figure"


def current(table: str) -> str:
    """The line of a table of levels (pp_dpm_*) that is in force. Raises LookupError without one."""
    return [line for line in levels(table) if line.endswith("*")][-1]


def levels(table: str) -> list[str]:
    return [line.strip() for line in table.splitlines() if line.strip()]


def mhz(level: str) -> float:
    """Of a level such as `1: 2124Mhz *`. Raises ValueError."""
    found = re.search(r"(\d+)\s*mhz", level, re.IGNORECASE)
    if found is None:
        raise ValueError(level)
    return float(found[1])


GENERATIONS = {2.5: 1, 5.0: 2, 8.0: 3, 16.0: 4, 32.0: 5, 64.0: 6}
"""PCIe generation by GT/s a lane."""


def pcie_gen(speed: str) -> int:
    """Of a speed such as `16.0 GT/s PCIe`. Raises ValueError or LookupError."""
    found = re.search(r"(\d+(?:\.\d+)?)\s*GT/s", speed)
    if found is None:
        raise ValueError(speed)
    return GENERATIONS[float(found[1])]


def pcie_width(level: str) -> int:
    """Of `16`, or of a level such as `1: 16.0GT/s, x16 619Mhz *`. Raises ValueError."""
    found = re.search(r"x(\d+)|^(\d+)$", level)
    if found is None:
        raise ValueError(level)
    return int(found[1] or found[2])
