"""Which machine this is: the system's id where it has one, else one that is kept; never the system's id itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from echodeck.sources.identity import BOOT, FILE_NAME, LINUX, identity, uuid_of


def system(root: Path, **files: str) -> Path:
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    return root


@pytest.mark.parametrize("path", LINUX)
def test_the_systems_own_id_is_told_as_a_digest(tmp_path: Path, path: str) -> None:
    root = system(tmp_path / "root", **{path: "4f1d\n", BOOT: "a-b-c\n"})
    machine, boot = identity(tmp_path / "data", root)
    assert (len(machine), len(boot)) == (32, 32)
    assert "4f1d" not in machine
    assert identity(tmp_path / "other", root) == (machine, boot)
    assert not (tmp_path / "data").exists()


def test_another_start_has_another_boot_and_the_same_id(tmp_path: Path) -> None:
    root = system(tmp_path / "root", **{LINUX[0]: "4f1d\n", BOOT: "a-b-c\n"})
    before = identity(tmp_path, root)
    system(root, **{BOOT: "d-e-f\n"})
    after = identity(tmp_path, root)
    assert before[0] == after[0]
    assert before[1] != after[1]


@pytest.mark.parametrize("said", ["", "uninitialized\n", None])
def test_without_one_it_is_made_up_and_kept(tmp_path: Path, said: str | None) -> None:
    root = system(tmp_path / "root", **({} if said is None else {LINUX[0]: said}))
    machine, boot = identity(tmp_path / "data", root)
    assert (len(machine), boot) == (32, "")
    assert identity(tmp_path / "data", root) == (machine, "")
    assert identity(tmp_path / "elsewhere", root)[0] != machine


def test_without_one_and_without_a_place_to_keep_it_nothing_is_told(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file")
    assert identity(tmp_path / "data", tmp_path / "nowhere") == ("", "")
    assert FILE_NAME not in [path.name for path in tmp_path.iterdir()]


def test_the_uuid_in_what_ioreg_says() -> None:
    said = '+-o J314 <class IOPlatformExpertDevice>\n  "IOPlatformUUID" = "0A1B-22"\n  "model" = <"MacBookPro18,3">\n'
    assert uuid_of(said) == "0A1B-22"
    assert uuid_of("") == ""
