"""Which machine this is: an id that stays from start to start, and one of the kernel that runs now.

The system's own id is not given away, only a digest of it, as machine-id(5) asks for. Images of containers and clones
of virtual machines share it, so on Linux the kernel's boot id is told beside it: no two that run at once share that.
"""

from __future__ import annotations

import hashlib
import logging
import re
import secrets
import subprocess
import sys
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

log = logging.getLogger(__name__)

LINUX = ("etc/machine-id", "var/lib/dbus/machine-id")
BOOT = "proc/sys/kernel/random/boot_id"
FILE_NAME = "machine-id"
ASK_S = 5.0


def identity(data: Path, root: Path = Path("/")) -> tuple[str, str]:
    """(the machine's id, its kernel's): "" where there is none. An id is made up, and kept in `data`, if need be."""
    own = next(filter(None, (way() for way in _ways(root))), "") or _kept(data / FILE_NAME)
    return _digest(own), _digest(_text(root / BOOT))


def _ways(root: Path) -> Iterable[Callable[[], str]]:
    yield from (partial(_text, root / path) for path in LINUX)
    yield _windows
    yield _mac


def _text(path: Path) -> str:
    try:
        text = path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        return ""
    return "" if text == "uninitialized" else text  # as systemd has it before the first start


def _windows() -> str:
    if sys.platform == "win32":
        import winreg

        try:
            with winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, r"SOFTWARE\Microsoft\Cryptography", 0,
                                winreg.KEY_READ | winreg.KEY_WOW64_64KEY) as key:
                return str(winreg.QueryValueEx(key, "MachineGuid")[0])
        except OSError as error:
            log.debug("Windows does not tell its MachineGuid: %s", error)
    return ""


def _mac() -> str:
    if sys.platform == "darwin":
        try:
            return uuid_of(subprocess.run(["/usr/sbin/ioreg", "-rd1", "-c", "IOPlatformExpertDevice"],
                                          capture_output=True, text=True, timeout=ASK_S, check=True).stdout)
        except (OSError, subprocess.SubprocessError) as error:
            log.debug("ioreg does not tell the machine's UUID: %s", error)
    return ""


def uuid_of(said: str) -> str:
    """The machine's UUID in what `ioreg` says."""
    found = re.search(r'"IOPlatformUUID"\s*=\s*"([^"]+)"', said)
    return found.group(1) if found else ""


def _kept(path: Path) -> str:
    """The id that was made up at the first start."""
    if known := _text(path):
        return known
    made = secrets.token_hex(16)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(made + "\n", encoding="ascii")
    except OSError as error:
        log.warning("this machine has no id, and none can be kept in %s: %s", path, error)
        return ""
    return made


def _digest(text: str) -> str:
    return hashlib.sha256(b"echodeck " + text.encode()).hexdigest()[:32] if text else ""
