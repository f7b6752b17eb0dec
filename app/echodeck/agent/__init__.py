"""The agent: measures its machine, claims jobs and drives engines; goes on while the hub is away (`main` runs one)."""

from __future__ import annotations

from .agent import Agent, main

__all__ = ["Agent", "main"]
