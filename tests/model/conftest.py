"""Workflows as data: see workflows/README.md."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from echodeck.model import workflow

WORKFLOWS = Path(__file__).parent / "workflows"


@pytest.fixture
def graph_of() -> Callable[[str], workflow.Graph]:
    """The graph of a file by its name without suffix."""
    return lambda name: workflow.read((WORKFLOWS / f"{name}.json").read_bytes())
