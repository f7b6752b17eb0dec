"""The table [notify]: what it gives, and what is said about mistakes in it."""

from __future__ import annotations

import tomllib
from datetime import time
from typing import Any

import pytest

from echodeck.brain.notices import channels
from echodeck.brain.notices.channels import Setup, read
from echodeck.errors import ConfigError

SECRET = "whsec_" + "A" * 32
WHOLE = f"""
time_zone = "Europe/Berlin"
[quiet]
from = "22:00"
until = "07:00"
[channels.phone]
apprise = "env:NTFY"
most_per_hour = 6
[channels.studio]
webhook = "https://anna:word@example.org:8443/hook/token?key=1"
secret = "{SECRET}"
quiet = false
[channels.night]
apprise = "mailtos://a:b@example.org"
quiet = {{ from = "20:00", until = "10:00", errors_pass = false }}
[routes.mine]
to = ["phone"]
endings = ["completed", "failed"]
users = ["anna"]
[routes.trouble]
to = ["phone", "studio", "phone"]
levels = ["error"]
rules = ["gpu_*"]
resolved = false
"""


def given(text: str, **environ: str) -> Setup:
    return read(tomllib.loads(text), environ)


def test_everything_that_can_be_said() -> None:
    setup = given(WHOLE, NTFY="ntfys://ntfy.sh/topic")
    phone, studio, night = setup.channels.values()
    assert (phone.apprise, phone.service, phone.masked) == ("ntfys://ntfy.sh/topic", "ntfys", "ntfys://…")
    assert (phone.most_per_hour, phone.burst, phone.tries) == (6.0, 5, 7)
    assert phone.quiet is not None
    assert (phone.quiet.start, phone.quiet.end, phone.quiet.errors_pass) == (time(22), time(7), True)
    assert (studio.service, studio.masked, studio.quiet) == ("webhook", "https://example.org:8443/…", None)
    assert night.quiet is not None
    assert (night.quiet.start, night.quiet.errors_pass) == (time(20), False)
    mine, trouble = setup.routes
    assert (mine.to, mine.endings, mine.users, mine.resolved) == (
        ("phone",), {"completed", "failed"}, {"anna"}, True)
    assert (trouble.to, trouble.levels, trouble.rules, trouble.resolved) == (
        ("phone", "studio"), {"error"}, {"gpu_*"}, False)


def test_nothing_said_is_nothing_done() -> None:
    assert given("") == Setup()


def test_no_repr_has_an_address_or_a_secret() -> None:
    shown = repr(given(WHOLE, NTFY="ntfys://ntfy.sh/topic"))
    assert not [word for word in ("topic", "token", "word", SECRET, "mailto") if word in shown]


def test_the_example_in_the_docstring_is_right() -> None:
    assert channels.__doc__ is not None
    example: dict[str, Any] = tomllib.loads(channels.__doc__.partition("\n\n")[2])
    setup = read(example["notify"], {"NTFY_URL": "ntfys://ntfy.sh/x", "HOOK_SECRET": SECRET})
    assert (len(setup.channels), len(setup.routes)) == (2, 2)


WRONG = [
    ("colour = 1", "notify.colour: unknown; there are time_zone"),
    ('time_zone = "Mars/Base"', "notify.time_zone: no time zone is called 'Mars/Base'"),
    ('time_zone = "../etc"', "notify.time_zone: no time zone"),
    ("time_zone = 2", "notify.time_zone: expected text"),
    ('quiet = "at night"', "notify.quiet: expected a table"),
    ('quiet = { from = "22 h", until = "7:00" }', 'notify.quiet.from: expected a time like "22:00"'),
    ('quiet = { from = "22:00" }', "notify.quiet.until: expected a time"),
    ('quiet = { from = "22:00", until = "22:00" }', "notify.quiet.until: must not be the same"),
    ('quiet = { from = "22:00+02:00", until = "07:00" }', 'quiet.from: expected a time like "22:00", without a zone'),
    ('quiet = { from = 22, until = "07:00" }', "notify.quiet.from: expected text"),
    ("channels = 1", "notify.channels: expected tables"),
    ("[channels.phone]", "notify.channels.phone: give either apprise"),
    ('[channels."my phone"]', "notify.channels: a name has at most 40"),
    ('[channels]\nphone = "x"', "notify.channels.phone: expected a table"),
    ('[channels.phone]\napprise = "ntfy.sh"', "notify.channels.phone.apprise: expected an address"),
    ('[channels.phone]\napprise = "env:NONE"', "notify.channels.phone.apprise: is to be in the environment as NONE"),
    ('[channels.phone]\naprise = "a://b"', "notify.channels.phone.aprise: unknown"),
    ('[channels.a]\nwebhook = "ftp://secret-place"', "notify.channels.a.webhook: expected an address"),
    ('[channels.a]\nwebhook = "http://[secret"', "notify.channels.a.webhook: expected an address"),
    ('[channels.a]\nwebhook = "https://secret-place"', "notify.channels.a.secret: a webhook is signed"),
    ('[channels.a]\napprise = "a://b"\nburst = 0', "notify.channels.a.burst: expected a whole number, 1 or more"),
    ('[channels.a]\napprise = "a://b"\nburst = true', "notify.channels.a.burst: expected a whole number"),
    ('[channels.a]\napprise = "a://b"\nmost_per_hour = nan', "most_per_hour: expected a number, 0.1 or more"),
    ('[channels.a]\napprise = "a://b"\nquiet = "no"', "notify.channels.a.quiet: expected a table"),
    ("[routes.r]", "notify.routes.r.to: say at least one channel"),
    ('[routes.r]\nto = ["b"]', "notify.routes.r.to: there is none yet"),
    ('[channels.a]\napprise = "a://b"\n[routes.r]\nto = ["b"]', "notify.routes.r.to: 'b' is none of a"),
    ('[channels.a]\napprise = "a://b"\n[routes.r]\nto = ["a"]', "notify.routes.r: say what it is for"),
    ('[channels.a]\napprise = "a://b"\n[routes.r]\nto = "a"', "notify.routes.r.to: expected a list of texts"),
    ('[channels.a]\napprise = "a://b"\n[routes.r]\nto = ["a"]\nlevels = ["bad"]', "'bad' is none of info"),
    ('[channels.a]\napprise = "a://b"\n[routes.r]\nto = ["a"]\nresolved = 1', "resolved: expected true or false"),
]


@pytest.mark.parametrize(("text", "said"), WRONG)
def test_a_mistake_is_named_with_its_mend(text: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        given(text)
    assert said in str(caught.value)
    assert "secret-place" not in str(caught.value)


def test_a_time_of_toml_is_a_time_too() -> None:
    quiet = given('quiet = { from = 22:00:00, until = 07:00:00 }\n[channels.a]\napprise = "a://b"').channels["a"].quiet
    assert quiet is not None
    assert (quiet.start, quiet.end) == (time(22), time(7))
