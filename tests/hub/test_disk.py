"""Which file system the data lies on, and how full it is."""

from __future__ import annotations

import shutil
import socket
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from echodeck.hub import status
from echodeck.model.board import Board
from echodeck.model.record import Disk, Host
from echodeck.wire import show


def host(*disks: Disk, name: str = "elsewhere") -> Host:
    return Host(name, 1.0, memory_total_bytes=4, disks=disks)


def test_mounts_are_told_apart_by_whole_names() -> None:
    found = status._disk(host(Disk("/", 100, 10, 90), Disk("/data", 200, 20, 180)), Path("/data2/echodeck"))
    assert found.total == 100
    found = status._disk(host(Disk("/", 100, 10, 90), Disk("/data", 200, 20, 180)), Path("/data/echodeck"))
    assert found.total == 200


def test_it_is_as_full_as_df_says() -> None:
    found = status._disk(host(Disk("/", 100, 95, 0)), Path("/data"))  # 5 are kept back for root
    assert (found.used, found.free, found.percentage) == (95, 0, 100.0)
    assert status._disk(host(), Path("/data")).percentage == 0.0


def test_a_mount_of_this_machine_that_is_not_listed_is_measured(tmp_path: Path,
                                                                monkeypatch: pytest.MonkeyPatch) -> None:
    mount = tmp_path.resolve()
    monkeypatch.setattr(Path, "is_mount", lambda self: self in (mount, Path("/")))
    monkeypatch.setattr(shutil, "disk_usage", lambda place: (1000, 400, 600) if Path(place) == mount else None)
    here = socket.gethostname()
    listed = host(Disk("/", 100, 10, 90), name=here)
    assert status._disk(listed, mount / "data").total == 1000
    assert status._disk(host(Disk("/", 100, 10, 90)), mount / "data").total == 100
    listed = host(Disk("/", 100, 10, 90), Disk(str(mount), 300, 10, 290), name=here)
    assert status._disk(listed, mount / "data").total == 300


def room(found: Host, *reasons: str, refused: str = "") -> Any:
    board = Board()
    board.put("hosts", found.name, found)
    stats = show.SystemStats(not reasons, "", 0, 0, "", reasons=list(reasons))
    board.put("status", "", show.SystemStatus(0.0, 0.0, 0.0, stats))
    return SimpleNamespace(board=board, refused=refused)


def test_a_full_disk_is_a_warning_and_said_once() -> None:
    full = host(Disk("/", 100, 96, 4))
    health = status.health_of(room(full), Path("/data"))
    assert (health.status, health.reasons) == ("warning", ["the disk of elsewhere is 96 % full"])
    assert status.health_of(room(host(Disk("/", 100, 95, 5))), Path("/data")).status == "healthy"
    health = status.health_of(room(full, "no room", refused="no room"), Path("/data"))
    assert (health.status, health.reasons) == ("error", ["no room", "the disk of elsewhere is 96 % full"])
