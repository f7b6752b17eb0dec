"""The notebooks as they lie in git, and run from top to bottom against a real hub and agent."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from .conftest import NOTEBOOKS, Hub, environment

# In a process of its own: a kernel's machinery has warnings and event loops of its own.
RUN = """
import sys, nbformat
from nbclient import NotebookClient
source, target, folder = sys.argv[1:]
notebook = nbformat.read(source, as_version=4)
NotebookClient(notebook, timeout=150, kernel_name="python3", resources={"metadata": {"path": folder}}).execute()
nbformat.write(notebook, target)
"""


def by_name(path: Path) -> str:
    return path.stem


def test_there_are_notebooks() -> None:
    assert [path.name for path in NOTEBOOKS][:1] == ["01_live.ipynb"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=by_name)
def test_no_outputs_lie_in_git(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert code
    assert all(not cell.outputs and cell.execution_count is None for cell in code)


@pytest.mark.slow
def test_the_live_notebook_runs(hub: Hub, tmp_path: Path) -> None:
    target = tmp_path / "done.ipynb"
    done = subprocess.run([sys.executable, "-c", RUN, str(NOTEBOOKS[0]), str(target), str(tmp_path)], timeout=170,
                          env=environment(tmp_path, ECHODECK_HUB=hub.url), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    cells = [cell for cell in nbformat.read(target, as_version=4).cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    text = "\n".join(str(output) for cell in cells for output in cell.outputs)
    for said in (f"connected to {hub.url} - live", "still paused: step", "completed: step", "from a notebook",
                 "median_s"):
        assert said in text
    [mine] = [job for job in hub.state()["jobs"] if job["title"] == "from a notebook"]
    assert mine["status"] == "completed"
