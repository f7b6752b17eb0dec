"""Maps of VAEs are kept in a directory of the test."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ECHODECK_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("ECHODECK_TAESD", raising=False)
    return tmp_path / "cache" / "latents"
