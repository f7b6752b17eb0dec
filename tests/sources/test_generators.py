"""Engines by the command lines that people start them with."""

from __future__ import annotations

import pytest

from echodeck.sources.generators import engine_of, imports_echodeck, may_be_engine, script_of

PYTHON = "/home/a/.venv/bin/python3.11"


@pytest.mark.parametrize(
    ("command", "folder", "engine"),
    [
        ([PYTHON, "main.py", "--listen"], "/home/a/ComfyUI", "comfyui"),
        ([PYTHON, "-u", "-X", "dev", "/srv/comfyui/main.py"], "/", "comfyui"),
        ([r"C:\ComfyUI_windows_portable\python_embeded\python.exe", "-s", r"ComfyUI\main.py"], r"C:\x", "comfyui"),
        (["python", "main.py"], "/home/a/website", ""),
        (["python3", "launch.py", "--xformers"], "/home/a/stable-diffusion-webui", "a1111"),
        (["python3", "launch.py"], "/home/a/stable-diffusion-webui-forge", "forge"),
        (["python3", "webui.py"], "/srv", "a1111"),
        (["python3", "launch.py"], "/home/a/automatic", "sdnext"),
        (["python3", "launch.py"], "/home/a/Fooocus", "fooocus"),
        (["python3", "launch.py"], "/home/a/rocket", ""),
        (["/home/a/.venv/bin/python", "/home/a/.venv/bin/invokeai-web"], "/", "invokeai"),
        (["dotnet", "src/bin/live_release/SwarmUI.dll"], "/", "swarmui"),
        (["python", "-m", "comfyui.main"], "/home/a/ComfyUI", ""),
        (["vim", "main.py"], "/home/a/website", ""),
        ([], "/", ""),
    ],
)
def test_an_engine_is_known_by_its_script_and_folder(command: list[str], folder: str, engine: str) -> None:
    assert engine_of(command, folder) == engine
    assert may_be_engine(command) or not engine


@pytest.mark.parametrize(
    ("command", "script"),
    [
        ([PYTHON, "-W", "error", "a.py", "b.py"], "a.py"),
        ([PYTHON, "-m", "pip"], ""),
        ([PYTHON, "-c", "import a"], ""),
        ([PYTHON, "-"], ""),
        ([PYTHON], ""),
        (["node", "a.js"], ""),
    ],
)
def test_the_script_of_a_python(command: list[str], script: str) -> None:
    assert script_of(command) == script


@pytest.mark.parametrize(
    ("source", "tracks"),
    [
        ("import os\nimport echodeck\n", True),
        ("def f():\n    from echodeck.track import Job\n", True),
        ("import echodeckish\n", False),
        ("# import echodeck\nprint('from echodeck import track')\n", False),
        ("", False),
    ],
)
def test_a_script_that_tracks_imports_echodeck(source: str, tracks: bool) -> None:
    assert imports_echodeck(source) is tracks
