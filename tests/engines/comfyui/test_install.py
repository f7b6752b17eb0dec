"""The extension's way into a ComfyUI and out of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from echodeck.engines.comfyui.install import MARK, files, install, installed, uninstall, version
from echodeck.errors import ConfigError


@pytest.fixture
def comfyui(tmp_path: Path) -> Path:
    root = tmp_path / "ComfyUI"
    (root / "custom_nodes" / "other").mkdir(parents=True)
    (root / "main.py").touch()
    return root


def test_it_comes_and_goes_and_touches_nothing_else(comfyui: Path) -> None:
    assert installed(comfyui) is None
    folder = install(comfyui)
    assert folder == comfyui / "custom_nodes" / "echodeck"
    assert {one.name for one in folder.iterdir()} == {*files(), MARK}
    assert installed(comfyui) == version(files()["__init__.py"]) != ""
    assert uninstall(comfyui) == folder
    assert [one.name for one in (comfyui / "custom_nodes").iterdir()] == ["other"]


def test_an_older_one_of_ours_is_replaced(comfyui: Path) -> None:
    folder = install(comfyui)
    (folder / "__init__.py").write_text("VERSION = \"0.1\"\n", encoding="utf-8")
    (folder / "old.py").touch()
    assert installed(comfyui) == "0.1"
    install(comfyui)
    assert installed(comfyui) != "0.1"
    assert not (folder / "old.py").exists()


def test_every_way_to_name_a_comfyui(comfyui: Path) -> None:
    for path in (comfyui, comfyui / "custom_nodes", comfyui.parent):
        assert install(path) == comfyui / "custom_nodes" / "echodeck"


def test_what_is_not_ours_is_left_alone(comfyui: Path) -> None:
    folder = comfyui / "custom_nodes" / "echodeck"
    folder.mkdir()
    (folder / "mine.py").touch()
    for change in (install, uninstall):
        with pytest.raises(ConfigError, match="is not echodeck's"):
            change(comfyui)
    assert (folder / "mine.py").exists()


def test_what_is_no_comfyui_says_so(tmp_path: Path, comfyui: Path) -> None:
    with pytest.raises(ConfigError, match="no folder custom_nodes"):
        install(tmp_path / "nowhere")
    with pytest.raises(ConfigError, match="nothing to take out"):
        uninstall(comfyui)


def test_a_failure_to_write_leaves_what_was_there(comfyui: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = {one.name: one.read_bytes() for one in install(comfyui).iterdir()}

    def full(self: Path, *values: object, **named: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(ConfigError, match="No space left"):
        install(comfyui)
    folder = comfyui / "custom_nodes" / "echodeck"
    assert {one.name: one.read_bytes() for one in folder.iterdir()} == before
    assert sorted(one.name for one in folder.parent.iterdir()) == ["echodeck", "other"]
