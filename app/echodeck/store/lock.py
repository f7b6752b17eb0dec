"""One process a data directory: a file that the operating system locks for whoever has it open.

The system lets go of the lock when its holder ends, however it ends, so a file left by a dead process is no obstacle.
The file's text (process id, then command line) only tells others who holds it.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from pathlib import Path

from ..errors import StoreHeld, StoreUnavailable

LOCK_NAME = "hub.lock"
FAR = 1 << 20
"""Windows keeps others from reading locked bytes, so a byte far behind the text is locked there."""


class DirectoryLock:
    """Held from `take` to `release`."""

    def __init__(self, directory: Path) -> None:
        self._path = directory / LOCK_NAME
        self._fd: int | None = None

    def take(self) -> None:
        """Raises StoreHeld, naming the holder, when another has it; StoreUnavailable when it cannot be had at all."""
        try:
            fd = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o644)
        except OSError as error:
            raise unusable(self._path.parent, error) from error
        try:
            held = not _try_lock(fd)
        except OSError as error:
            os.close(fd)
            raise unusable(self._path.parent, error) from error
        if held:
            holder = _read(fd)
            os.close(fd)
            raise _held(self._path.parent, holder)
        self._fd = fd
        with suppress(OSError):  # the lock is what counts; its text may not fit on a full disk
            os.ftruncate(fd, 0)
            os.pwrite(fd, _who(), 0) if hasattr(os, "pwrite") else os.write(fd, _who())

    def release(self) -> None:
        # The file stays: removing it would let two others lock two files of the same name.
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None


def unusable(directory: Path, error: OSError) -> StoreUnavailable:
    """The sentence for a directory that the operating system will not let us use."""
    why = error.strerror or str(error)
    return StoreUnavailable(f"the data directory {directory} cannot be used: {why}; "
                            "make it a writable directory with free space, or choose another with --data")


def _who() -> bytes:
    command = " ".join(sys.argv)[:500].replace("\n", " ")
    return f"{os.getpid()}\n{command}\n".encode(errors="replace")


def _read(fd: int) -> list[str]:
    os.lseek(fd, 0, os.SEEK_SET)
    return os.read(fd, 1000).decode(errors="replace").splitlines()


def _held(directory: Path, holder: list[str]) -> StoreHeld:
    pid = int(holder[0]) if holder and holder[0].isdecimal() else None
    name = "another process" if pid is None else f"process {pid}"
    command = f" ({holder[1]})" if len(holder) > 1 and holder[1] else ""
    return StoreHeld(f"the data directory {directory} is held by {name}{command}; "
                     "stop it, or choose another directory with --data", pid)


def _try_lock(fd: int) -> bool:
    if sys.platform == "win32":
        import msvcrt

        os.lseek(fd, FAR, os.SEEK_SET)
        try:
            msvcrt.locking(fd, msvcrt.LK_NBLCK, 1)
        except OSError:  # the one thing it says when another has it
            return False
        finally:
            os.lseek(fd, 0, os.SEEK_SET)
        return True
    import fcntl

    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
