"""Defaults < file < environment < flags, and an error that names the place."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from echodeck.config import load
from echodeck.errors import ConfigError


def test_each_layer_wins_over_the_one_before(tmp_path: Path) -> None:
    file = tmp_path / "echodeck.toml"
    file.write_text('port = 1000\nhost = "0.0.0.0"\nlease_s = 5\n')
    settings = load({"port": None, "dash_port": 4000}, environ={"ECHODECK_PORT": "2000"}, file=file)
    assert (settings.port, settings.dash_port, settings.host, settings.lease_s) == (2000, 4000, "0.0.0.0", 5.0)
    assert settings.hub_url == "http://127.0.0.1:2000"
    assert load({"port": 3000}, environ={"ECHODECK_PORT": "2000"}, file=file).port == 3000


@pytest.mark.parametrize(
    ("flags", "environ", "content", "where"),
    [
        ({"port": 70000}, {}, "", "--port"),
        ({}, {"ECHODECK_LEASE_S": "soon"}, "", "ECHODECK_LEASE_S"),
        ({}, {}, "prot = 1", "prot: unknown setting"),
        ({}, {}, "port = [", "echodeck.toml"),
        ({}, {}, "slots = 0", "slots: must be more than 0"),
        ({}, {}, "port = true", "port: expected int"),
        ({}, {}, "slots = 1.5", "slots: expected a whole number, got 1.5"),
        ({}, {}, "port = inf", "port: expected a whole number"),
        ({}, {"ECHODECK_SLOTS": "1.5"}, "", "ECHODECK_SLOTS: expected int"),
        ({}, {}, "lease_s = nan", "lease_s: expected a finite number"),
        ({}, {"ECHODECK_LEASE_S": "inf"}, "", "ECHODECK_LEASE_S: expected a finite number"),
        ({}, {}, "keep_raw_s = 0", "keep_raw_s: must be more than 0"),
        ({}, {}, "price_per_kwh = -0.3", "price_per_kwh: must be 0"),
        ({"name": "x" * 300}, {}, "", "--name: a machine's name is 64 characters at most, got 300"),
        ({"name": "   "}, {}, "", "--name: a machine's name is not only blanks"),
        ({}, {"ECHODECK_NAME": "a/b"}, "", "ECHODECK_NAME: a machine's name is printable, without a slash, got 'a/b'"),
        ({}, {}, r'name = "a\nb"', "name: a machine's name is printable"),
        ({}, {}, f'user = "{"u" * 81}"', "user: a user's name has 80 characters at most, got 81"),
        ({}, {}, "keep_10s_s = 3600", "keep_10s_s: must not be less than keep_raw_s, got 3600"),
    ],
)
def test_a_wrong_setting_names_its_place(tmp_path: Path, flags: dict[str, Any], environ: dict[str, str], content: str,
                                         where: str) -> None:
    file = tmp_path / "echodeck.toml"
    file.write_text(content)
    with pytest.raises(ConfigError, match=where):
        load(flags, environ=environ, file=file)


def test_what_may_be_a_name() -> None:
    for name in ("", "studio (2)", "Jörgs Büro", "x" * 64):
        assert load({"name": name}, environ={}).name == name


def test_tables_are_passed_on_and_only_the_file_has_them(tmp_path: Path) -> None:
    file = tmp_path / "echodeck.toml"
    file.write_text('[brain]\noff = ["order"]\n[alerts.hot]\nwhen = "gpu.temp_c > 85"\n')
    found = load(environ={"ECHODECK_BRAIN": "ignored"}, file=file)
    assert found.brain == {"off": ["order"]}
    assert found.alerts["hot"] == {"when": "gpu.temp_c > 85"}
    assert found.notify == {}
    file.write_text("brain = 7\n")
    with pytest.raises(ConfigError, match=r"brain: a table of echodeck.toml \(\[brain\]\), got 7"):
        load(environ={}, file=file)
