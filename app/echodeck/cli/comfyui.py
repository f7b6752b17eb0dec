"""`echodeck comfyui`: the extension that lets others' jobs be seen step by step, and paused."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .ask import EXIT_CODES, exits, out

comfyui = typer.Typer(name="comfyui", no_args_is_help=True, rich_markup_mode=None,
                      help="Put echodeck's extension into a ComfyUI, or take it out.",
                      context_settings={"help_option_names": ["-h", "--help"]})

Root = Annotated[Path | None, typer.Argument(metavar="PATH", help="ComfyUI's folder, its custom_nodes, or its "
                                             "--base-directory.")]
Json = Annotated[bool, typer.Option("--json", help="JSON instead of words, errors too.")]


@comfyui.command(epilog=EXIT_CODES)
def install(
    path: Root = None,
    show: Annotated[bool, typer.Option("--print", help="Show the files instead of writing them.")] = False,
    json: Json = False,
) -> None:
    """Put the extension into custom_nodes/echodeck: every step of every client is seen, and running jobs can pause."""
    with exits(json):
        from ..engines.comfyui import install as extension

        if show:
            found = extension.files()
            texts = [f"# custom_nodes/echodeck/{name}\n{text}" for name, text in found.items()]
            out({"files": found}, json, "\n".join(texts))
            return
        folder = extension.install(_given(path))
        version = extension.version(extension.files()["__init__.py"])
        out({"path": str(folder), "version": version}, json,
            f"put version {version} into {folder}\n"
            "restart ComfyUI: then every client's jobs are seen step by step, and running ones can be paused")


@comfyui.command(epilog=EXIT_CODES)
def uninstall(path: Root = None, json: Json = False) -> None:
    """Take the extension out again."""
    with exits(json):
        from ..engines.comfyui import install as extension

        folder = extension.uninstall(_given(path))
        out({"path": str(folder)}, json, f"removed {folder}; it is gone when ComfyUI is restarted")


def _given(path: Path | None) -> Path:
    if path is None:
        from ..errors import BadField

        raise BadField("PATH", "say where ComfyUI lies: the folder that has its main.py")
    return path
