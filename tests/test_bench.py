"""Every benchmark prints what it promises; the figures themselves are not judged here."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

RUN = Path(__file__).parent / "bench" / "run.py"
NAMES = subprocess.run([sys.executable, RUN, "--list"], capture_output=True, text=True, check=True).stdout.split()


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_a_benchmark_ends_with_one_object(name: str) -> None:
    done = subprocess.run([sys.executable, RUN, name, "--seconds", "0.4"], capture_output=True, text=True, timeout=120,
                          check=True)
    found = json.loads(done.stdout.splitlines()[-1])
    assert list(found) == ["name", "ours", "peer", "ratio", "notes"]
    assert found["name"] == name
    assert found["ours"].keys() == found["peer"].keys() == found["ratio"].keys() != set()
