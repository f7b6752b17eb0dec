"""The table `[notify]` of the settings, checked: channels, routes, quiet hours. No complaint shows an address.

    [notify]
    time_zone = "Europe/Berlin"          # of the quiet hours; default: the machine's own

    [notify.quiet]
    from = "22:00"
    until = "07:00"
    errors_pass = true

    [notify.channels.phone]
    apprise = "env:NTFY_URL"             # any address that Apprise knows; "env:NAME" is taken from the environment
    most_per_hour = 20
    burst = 5
    group_s = 15

    [notify.channels.studio]
    webhook = "https://example.org/hook"
    secret = "env:HOOK_SECRET"           # "whsec_" and base64, of 24 to 64 bytes
    quiet = false

    [notify.routes.mine]
    to = ["phone"]
    endings = ["completed", "failed"]
    users = ["anna"]

    [notify.routes.trouble]
    to = ["phone", "studio"]
    levels = ["error"]
    rules = ["gpu_hot"]
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import time, tzinfo
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from .notice import ENDINGS, LEVELS
from .quiet import Quiet
from .table import Table


@dataclass(frozen=True, slots=True)
class Channel:
    """A way to people: an Apprise address, or a webhook of ours with its secret. Neither is ever in a repr.

    At most `burst` messages at once and `most_per_hour` in the long run; what comes within `group_s` seconds of the
    first of its kind is one message; a message is tried `tries` times.
    """

    name: str
    apprise: str = field(default="", repr=False)
    webhook: str = field(default="", repr=False)
    secret: str = field(default="", repr=False)
    most_per_hour: float = 20.0
    burst: int = 5
    group_s: float = 15.0
    tries: int = 7
    quiet: Quiet | None = None

    @property
    def service(self) -> str:
        """What it goes through: "webhook", or the scheme of the Apprise address ("ntfy", "mailtos")."""
        return "webhook" if self.webhook else self.apprise.partition("://")[0].lower()

    @property
    def masked(self) -> str:
        """The address as far as anybody may see it: paths, and an Apprise address's host too, often are tokens."""
        if not self.webhook:
            return f"{self.service}://…"
        parts = urlsplit(self.webhook)
        return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}/…"


@dataclass(frozen=True, slots=True)
class Route:
    """What goes to the channels `to`: alerts of these levels, or raised by these rules; jobs that ended so.

    With `users`, only what is about a job of theirs. `resolved`: also that such an alert is over.
    """

    name: str
    to: tuple[str, ...]
    levels: frozenset[str] = frozenset()
    rules: frozenset[str] = frozenset()
    endings: frozenset[str] = frozenset()
    users: frozenset[str] = frozenset()
    resolved: bool = True


@dataclass(frozen=True, slots=True)
class Setup:
    channels: Mapping[str, Channel] = field(default_factory=dict)
    routes: tuple[Route, ...] = ()
    zone: tzinfo | None = None


def read(given: Mapping[str, Any], environ: Mapping[str, str]) -> Setup:
    """Raises ConfigError naming the key and the mend."""
    table = Table(given, "notify", environ, ("time_zone", "quiet", "channels", "routes"))
    zone = _zone(table)
    quiet = _quiet(table.table("quiet", ("from", "until", "errors_pass")), zone)
    channels = {name: _channel(name, part, quiet, zone) for name, part in table.tables("channels", (
        "apprise", "webhook", "secret", "most_per_hour", "burst", "group_s", "tries", "quiet"))}
    routes = tuple(_route(name, part, channels) for name, part in table.tables("routes", (
        "to", "levels", "rules", "endings", "users", "resolved")))
    return Setup(channels, routes, zone)


def _zone(table: Table) -> tzinfo | None:
    name = table.text("time_zone")
    if not name:
        return None
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:  # unknown, no name at all, or the name of a directory
        raise table.wrong("time_zone", f"no time zone is called {name!r}; say one like \"Europe/Berlin\" "
                                       "(on Windows, the package tzdata brings them)") from error


def _quiet(table: Table | None, zone: tzinfo | None) -> Quiet | None:
    if table is None:
        return None
    start, end = _time(table, "from"), _time(table, "until")
    if start == end:
        raise table.wrong("until", "must not be the same as from; without quiet hours, leave the table out")
    return Quiet(start, end, table.flag("errors_pass", True), zone)


def _time(table: Table, key: str) -> time:
    value = table.given(key)
    try:
        found = value if isinstance(value, time) else time.fromisoformat(table.text(key))
    except ValueError as error:
        raise table.wrong(key, "expected a time like \"22:00\"") from error
    if found.tzinfo is not None:
        raise table.wrong(key, "expected a time like \"22:00\", without a zone; notify.time_zone says which is meant")
    return found


def _channel(name: str, table: Table, quiet: Quiet | None, zone: tzinfo | None) -> Channel:
    apprise, webhook, secret = table.text("apprise"), table.text("webhook"), table.text("secret")
    if bool(apprise) == bool(webhook):
        raise table.wrong("", "give either apprise (an address that Apprise knows) or webhook (with its secret)")
    if webhook:
        _check_webhook(table, webhook, secret)
    elif "://" not in apprise:
        raise table.wrong("apprise", "expected an address like \"ntfys://ntfy.sh/TOPIC\"")
    if table.given("quiet") is False:
        quiet = None
    elif (own := table.table("quiet", ("from", "until", "errors_pass"))) is not None:
        quiet = _quiet(own, zone)
    return Channel(
        name, apprise, webhook, secret, most_per_hour=table.number("most_per_hour", 20.0, at_least=0.1),
        burst=table.whole("burst", 5, at_least=1), group_s=table.number("group_s", 15.0, at_least=0.0),
        tries=table.whole("tries", 7, at_least=1), quiet=quiet)


def _check_webhook(table: Table, webhook: str, secret: str) -> None:
    try:
        parts = urlsplit(webhook)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        good = False
    if not good:
        raise table.wrong("webhook", "expected an address like \"https://example.org/hook\"")
    if not secret:
        raise table.wrong("secret", "a webhook is signed; give a secret (`echodeck notify secret` makes one)")


def _route(name: str, table: Table, channels: Mapping[str, Channel]) -> Route:
    route = Route(
        name, table.words("to", tuple(channels)), frozenset(table.words("levels", LEVELS)),
        frozenset(table.words("rules")), frozenset(table.words("endings", ENDINGS)), frozenset(table.words("users")),
        table.flag("resolved", True))
    if not route.to:
        raise table.wrong("to", "say at least one channel")
    if not (route.levels or route.rules or route.endings):
        raise table.wrong("", "say what it is for: levels, rules or endings")
    return route
