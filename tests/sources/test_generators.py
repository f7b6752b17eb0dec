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
        (["python3", "webui.py"], "/srv/sd-webui", "a1111"),
        (["python3", "launch.py"], "/home/u/AUTOMATIC1111/stable-diffusion-webui", "a1111"),
        (["python3", "launch.py"], "/home/u/AUTOMATIC1111", "a1111"),
        (["python3", "launch.py"], "/home/forge/stable-diffusion-webui", "a1111"),
        (["python3", "launch.py"], "/home/comfyui/stable-diffusion-webui", "a1111"),
        (["python3", "/home/sdnext/stable-diffusion-webui-reForge/launch.py"], "/", "forge"),
        ([r"C:\webui_forge_cu121\system\python\python.exe", r"launch.py"], "C:/webui_forge_cu121/webui", "forge"),
        (["python3", "launch.py"], "/opt/open-webui", ""),
        (["python3", "webui.py"], "/opt/open-webui", ""),
        (["python3", "webui.py"], "/srv/GPT-SoVITS", ""),
        (["uvicorn", "open_webui.main:app"], "/opt/open-webui", ""),
        (["python3", "launch.py"], "/home/a/SD.Next", "sdnext"),
        (["uv", "run", "main.py"], "/home/a/ComfyUI", "comfyui"),
        (["/home/a/.local/bin/uv", "run", "--python", "3.12", "main.py", "--listen"], "/home/a/ComfyUI", "comfyui"),
        (["uv", "run", "main.py"], "/home/a/website", ""),
        (["uv", "pip", "main.py"], "/home/a/ComfyUI", ""),
        (["accelerate", "launch", "launch.py"], "/home/a/stable-diffusion-webui", "a1111"),
        ([PYTHON, "/home/a/.venv/bin/comfy", "launch", "--", "--listen"], "/home/a", "comfyui"),
        ([PYTHON, "/home/a/.venv/bin/comfy", "model", "list"], "/home/a", ""),
        ([PYTHON, "-m", "invokeai"], "/", "invokeai"),
        ([PYTHON, "-u", "-minvokeai.app.run_app"], "/", "invokeai"),
        ([PYTHON, "-m", "http.server"], "/home/a/ComfyUI", ""),
        ([r"C:\InvokeAI\.venv\Scripts\invokeai-web.exe"], "C:/", "invokeai"),
        (["vim", "main.py"], "/home/a/ComfyUI", ""),
        ([PYTHON, "train.py", "/home/a/ComfyUI/main.py"], "/home/a", ""),
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
    ("command", "folder", "there", "engine"),
    [
        (["python", "main.py"], "/app", "/app/comfyui_version.py", "comfyui"),
        (["python", "/workspace/ui/main.py"], "/", "/workspace/ui/comfy/samplers.py", "comfyui"),
        (["python", "main.py"], "/app", "/app/requirements.txt", ""),
        (["python", "launch.py"], "/home/a/stable-diffusion-webui", "/home/a/stable-diffusion-webui/modules_forge",
         "forge"),
        (["python", "launch.py"], "/app", "/app/installer.py", "sdnext"),
        (["python", "launch.py"], "/app", "/app/modules/launch_utils.py", "a1111"),
        (["python", "launch.py"], "/app", "/app/fooocus_version.py", "fooocus"),
        (["python", "webui.py"], "/srv", "/srv/modules/sd_models.py", "a1111"),
        (["python", "train.py"], "/app", "/app/comfyui_version.py", ""),
    ],
)
def test_what_lies_beside_the_script_says_more_than_names(command: list[str], folder: str, there: str,
                                                          engine: str) -> None:
    assert engine_of(command, folder, lambda place, name: f"{place}/{name}" == there) == engine


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
