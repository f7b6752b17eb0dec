"""The maps of the VAEs that were met: fitted once each, and kept in memory and on disk."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import threading
import weakref
from pathlib import Path
from typing import Any

import numpy as np

from .fitting import Abandoned, fitted
from .latents import Array
from .space import Space, space_of

log = logging.getLogger(__name__)


class Maps:
    """The map of each VAE, None for one that cannot be mapped. May be used from several threads."""

    def __init__(self) -> None:
        self._known: weakref.WeakKeyDictionary[Any, Array | None] = weakref.WeakKeyDictionary()
        self._begun: weakref.WeakSet[Any] = weakref.WeakSet()
        self._fitting = threading.Lock()

    def known(self, vae: Any) -> bool:
        return vae in self._known

    def get(self, vae: Any) -> Array | None:
        """What is known of it now."""
        return self._known.get(vae)

    def learn(self, vae: Any) -> None:
        """So that it is known: from the disk, or by fitting: some seconds of a core, once for each VAE ever."""
        with self._fitting:
            if vae in self._known:
                return
            try:
                self._known[vae] = _found(vae)
            except Abandoned:
                return
            except Exception as error:  # noqa: BLE001 - a VAE that nobody knows may raise anything
                log.info("no previews: the VAE (%s) cannot be mapped to colours: %s", type(vae).__name__, error)
                self._known[vae] = None

    def begin(self, vae: Any) -> None:
        """Learns it meanwhile, in a thread. A script that ends waits for one tiny decoding at most."""
        if vae not in self._begun:
            self._begun.add(vae)
            threading.Thread(target=self.learn, args=(vae,), name="echodeck-latents").start()


MAPS = Maps()


def _found(vae: Any) -> Array:
    space = space_of(vae)
    path = folder() / f"{key(vae)}.json"
    matrix = _read(path, space)
    if matrix is None:
        matrix = fitted(vae, space, lambda: not threading.main_thread().is_alive())
        _write(path, matrix)
    return matrix


def key(vae: Any) -> str:
    """Which VAE it is: its make, its settings, and a few of its weights."""
    weights = [round(float(value), 5) for value in next(vae.parameters()).detach().flatten()[:8].float().cpu()]
    settings = {name: value for name, value in dict(vae.config).items() if not name.startswith("_")}
    text = json.dumps([type(vae).__name__, settings, weights], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:24]


def folder() -> Path:
    from platformdirs import user_cache_path

    return Path(os.environ.get("ECHODECK_CACHE") or user_cache_path("echodeck", appauthor=False)) / "latents"


def _read(path: Path, space: Space) -> Array | None:
    try:
        found = np.asarray(json.loads(path.read_text("utf-8")), np.float32)
    except (OSError, ValueError, TypeError):
        return None
    return found if found.shape == (space.channels + 1, 3) and np.isfinite(found).all() else None


def _write(path: Path, matrix: Array) -> None:
    part = path.with_suffix(f".{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_text(json.dumps(matrix.round(6).tolist()), encoding="utf-8")
        part.replace(path)
    except OSError as error:
        log.info("the map of a VAE is not kept: %s", error)
