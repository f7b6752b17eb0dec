"""Messages out of a room: from an alert or a job's end to a real receiver, over failures and restarts."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import echodeck
from echodeck import wire
from echodeck.config import Settings
from echodeck.errors import ConfigError, IllegalTransition, UnknownName
from echodeck.hub.ledger import Change
from echodeck.hub.notify import Notify, read, senders
from echodeck.hub.room import Room
from echodeck.store.memory import MemoryStore

SECRET = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"


class Teller:
    """A room with one webhook."""

    def __init__(self, rig: Any, receiver: Any, until: Any) -> None:
        self.rig, self.receiver, self.until = rig, receiver, until

    @property
    def channel(self) -> Any:
        return self.rig.room.board.get("channels", "studio")

    async def alert(self, cause: str = "disk:a", level: str = "error", title: str = "The disk is full") -> None:
        change = Change(self.rig.now_s)
        self.rig.room.desk.raise_alert(change, cause, level, title, "3 GB are left", host="a")
        await self.rig.room.desk.ledger.put(change)

    async def over(self, cause: str = "disk:a") -> None:
        change = Change(self.rig.now_s)
        self.rig.room.desk.resolve_alert(change, cause)
        await self.rig.room.desk.ledger.put(change)

    async def arrives(self, number: int) -> Any:
        """The body of this one in the order they came, when it is known how it went."""
        await self.until(lambda: len(self.receiver.got) >= number, f"{number} messages")
        await self.until(lambda: self.rig.room.notify._posts["studio"]._task is None)
        await self.rig.tick()
        return self.receiver.got[number - 1].json

    def decisions(self) -> list[str]:
        return [one.payload.title for one in self.rig.told if one.type == "decision"]


@pytest.fixture
async def teller(rig_type: Any, receiver: Any, table: Any, until: Any) -> AsyncIterator[Teller]:
    settings = Settings(data=Path("nowhere"), notify=table(receiver))
    rig = await rig_type(settings=settings).start()
    yield Teller(rig, receiver, until)
    await rig.stop()


async def test_an_alert_reaches_a_webhook_signed_and_is_told_when_it_is_over(teller: Teller) -> None:
    await teller.alert()
    await teller.rig.tick(1.0)
    said = await teller.arrives(1)
    got = teller.receiver.got[0]
    assert echodeck.verify_webhook(got.body, got.headers, SECRET) == said
    assert (got.path, got.headers["Authorization"]) == ("/hook/s3cret", "Basic YW5uOndvcmQ=")
    assert (said["type"], said["data"]["channel"], said["data"]["count"]) == ("echodeck.notice", "studio", 1)
    assert (said["data"]["level"], said["data"]["title"], said["data"]["text"]) == (
        "error", "The disk is full", "3 GB are left")
    [notice] = said["data"]["groups"][0]["notices"]
    assert (notice["cause"], notice["host"], notice["kind"]) == ("disk:a", "a", "alert")
    assert (teller.channel.told, teller.channel.waiting, teller.channel.error) == (1, 0, "")
    assert teller.channel.sent_at is not None
    assert teller.decisions() == []
    await teller.over()
    await teller.rig.tick(1.0)
    over = await teller.arrives(2)
    assert (over["data"]["level"], over["data"]["title"]) == ("success", "Over: The disk is full")


async def test_what_is_only_counted_or_acknowledged_is_no_news(teller: Teller) -> None:
    await teller.alert()
    await teller.alert()
    change = Change(teller.rig.now_s)
    teller.rig.room.desk.acknowledge(change, teller.rig.room.desk.alerts["disk:a"], "ann")
    await teller.rig.room.desk.ledger.put(change)
    await teller.alert("other:a", "warning")
    await teller.rig.tick(1.0)
    await teller.arrives(1)
    await teller.rig.tick(60.0)
    assert len(teller.receiver.got) == 1
    await teller.over()
    await teller.alert()
    await teller.rig.tick(1.0)
    await teller.arrives(2)
    await teller.rig.tick(1.0)
    await teller.arrives(3)


async def test_what_is_silenced_calls_nobody(teller: Teller) -> None:
    await teller.alert()
    await teller.rig.tick(1.0)
    await teller.arrives(1)
    silence = {"cause": "disk:a", "seconds": 3600}
    await teller.rig.ask(teller.rig.session("ann"), "silence_alert", silence)
    await teller.over()
    await teller.alert()
    await teller.rig.tick(60.0)
    assert len(teller.receiver.got) == 1
    await teller.rig.tick(3600.0)
    await teller.over()
    await teller.alert()
    await teller.rig.tick(1.0)
    assert (await teller.arrives(2))["data"]["groups"][0]["kind"] == "alert:disk"


async def test_the_ends_of_jobs_are_told_and_a_failure_once(teller: Teller) -> None:
    rig = teller.rig
    ann, agent = rig.session("ann"), await rig.agent()
    await rig.submit(ann, count=2)
    for fact, more in (("completed", {}), ("failed", {"error": {"kind": "error", "message": "it broke"}})):
        job = await rig.claim(agent)
        await rig.report(agent, job, "planned", stages=[["sample", 4]])
        await rig.report(agent, job, fact, **more)
    await rig.tick(1.0)
    first = await teller.arrives(1)
    await rig.tick(1.0)
    second = await teller.arrives(2)
    notices = [said["data"]["groups"][0]["notices"][0] for said in (first, second)]
    assert [(one["kind"], one["user"]) for one in notices] == [("completed", "ann"), ("failed", "ann")]
    assert [said["data"]["title"].split(maxsplit=1)[1] for said in (first, second)] == ["is done", "failed"]
    assert first["data"]["text"].startswith("sketch-s")
    assert second["data"]["text"].endswith(": it broke")
    await rig.tick(60.0)
    assert len(teller.receiver.got) == 2


async def test_it_is_tried_again_with_the_same_id_and_given_up_aloud(teller: Teller) -> None:
    teller.receiver.answers = [(500, {}), (429, {"Retry-After": "100"}), (410, {})]
    await teller.alert()
    errors = ("it answered 500", "it answered 429", "it answered 410")
    for number, (waited_s, error) in enumerate(zip((1.0, 15.0, 101.0), errors, strict=True), 1):
        await teller.rig.tick(waited_s)
        await teller.arrives(number)
        assert teller.channel.error == error
    got = teller.receiver.got
    assert len({one.id for one in got}) == 1
    assert teller.channel.given_up == 1
    alert = teller.rig.alerts()["notify:studio"]
    assert alert.message == "Gave up telling studio 1 notice: it answered 410; trying again cannot help"
    await teller.alert("disk:b")
    await teller.rig.tick(1.0)
    await teller.arrives(4)
    assert "notify:studio" not in teller.rig.alerts(), "it works again"


async def test_a_receiver_that_cannot_be_reached_is_named_without_its_address(teller: Teller) -> None:
    teller.receiver.stop()
    await teller.alert()
    await teller.rig.tick(1.0)
    await teller.until(lambda: teller.rig.room.notify._posts["studio"].line.error)
    await teller.rig.tick()
    assert teller.channel.error == "it cannot be reached: Connection refused"


async def test_what_waits_is_there_after_a_restart(teller: Teller) -> None:
    teller.rig.settings = replace(teller.rig.settings, notify={**teller.rig.settings.notify, "channels": {
        "studio": {**teller.rig.settings.notify["channels"]["studio"], "group_s": 30}}})
    await teller.rig.restart()
    await teller.alert()
    await teller.alert("disk:b")
    await teller.rig.restart()
    assert teller.channel.waiting == 2
    await teller.rig.tick(31.0)
    assert (await teller.arrives(1))["data"]["count"] == 2
    await teller.rig.restart()
    await teller.rig.tick(31.0)
    assert (len(teller.receiver.got), teller.channel.told) == (1, 2)


async def test_what_a_crash_kept_from_being_heard_is_heard_after_it(teller: Teller,
                                                                    monkeypatch: pytest.MonkeyPatch) -> None:
    await teller.alert("known:a")
    await teller.rig.tick(1.0)
    await teller.arrives(1)

    async def crash(self: Notify) -> None:
        return None

    with monkeypatch.context() as crashing:
        crashing.setattr(Notify, "stop", crash)
        await teller.alert("disk:a")
        await teller.alert("known:a")
        await teller.rig.restart()
    await teller.rig.tick(1.0)
    said = await teller.arrives(2)
    assert said["data"]["groups"][0]["notices"][0]["cause"] == "disk:a"
    assert said["data"]["count"] == 1


async def test_what_was_told_to_nobody_is_not_told_later_when_routes_change(teller: Teller) -> None:
    await teller.alert("gpu:a", "warning")
    table = teller.rig.settings.notify
    teller.rig.settings = replace(teller.rig.settings, notify={**table, "routes": {"all": {
        "to": ["studio"], "levels": ["error", "warning"]}}})
    await teller.rig.restart()
    await teller.rig.tick(60.0)
    assert teller.receiver.got == []


async def test_how_far_was_heard_is_kept_once_a_minute_at_most(teller: Teller) -> None:
    async def kept() -> int:
        await teller.rig.settle()
        return int((await teller.rig.store.records("notify")).get(":heard", {}).get("seq", 0))

    await teller.alert("gpu:a", "warning")
    await teller.rig.tick(10.0)
    assert await kept() == 0
    await teller.rig.tick(60.0)
    assert await kept() > 0


async def test_what_waited_for_a_channel_that_is_no_more_is_forgotten(teller: Teller, receiver: Any,
                                                                      table: Any) -> None:
    await teller.alert()
    await teller.rig.stop()
    assert "studio" in await teller.rig.store.records("notify")
    changed = table(receiver)
    changed["channels"]["other"] = changed["channels"].pop("studio")
    changed["routes"]["trouble"]["to"] = ["other"]
    teller.rig.settings = replace(teller.rig.settings, notify=changed)
    await teller.rig.start()
    assert "studio" not in await teller.rig.store.records("notify")


async def test_a_message_under_way_when_the_hub_ends_is_sent_again(teller: Teller) -> None:
    teller.receiver.hold.clear()
    await teller.alert()
    await teller.rig.tick(1.0)
    await teller.until(lambda: len(teller.receiver.got) == 1)
    await teller.rig.restart()
    teller.receiver.hold.set()
    await teller.rig.tick(1.0)
    await teller.arrives(2)
    first, second = teller.receiver.got
    assert first.id == second.id


async def test_switched_off_nothing_is_heard_and_nothing_leaves(teller: Teller) -> None:
    ann = teller.rig.session("ann")
    await teller.rig.ask(ann, "brain_switch", {"part": "notify", "on": False})
    await teller.alert()
    await teller.rig.tick(60.0)
    await teller.rig.ask(ann, "brain_switch", {"part": "notify", "on": True})
    await teller.rig.tick(60.0)
    assert teller.receiver.got == []
    await teller.alert("disk:b")
    await teller.rig.tick(1.0)
    await teller.arrives(1)


async def test_a_person_tests_a_channel(teller: Teller) -> None:
    ann = teller.rig.session("ann")
    teller.receiver.hold.clear()
    asked = await teller.rig.ask(ann, "notify_test", {"channel": "studio"})
    with pytest.raises(IllegalTransition, match="is under way"):
        await teller.rig.ask(ann, "notify_test", {"channel": "studio"})
    assert (teller.channel.test.id, teller.channel.test.at) == (asked["testId"], None)
    teller.receiver.hold.set()
    view = await teller.rig.room.notify.tested("studio")
    assert (view["test"]["by"], view["test"]["error"]) == ("ann", "")
    assert teller.channel.test.at is not None
    assert (teller.channel.sent_at, teller.channel.told) == (teller.channel.test.at, 0), "no notice was told by it"
    said = teller.receiver.got[0].json
    assert (said["type"], said["data"]["text"]) == (
        "echodeck.test", "ann wanted to see whether messages arrive at studio.")
    teller.receiver.answers = [(503, {})]
    await teller.rig.ask(ann, "notify_test", {"channel": "studio"})
    assert (await teller.rig.room.notify.tested("studio"))["test"]["error"] == "it answered 503"
    with pytest.raises(UnknownName, match="there are studio"):
        await teller.rig.ask(ann, "notify_test", {"channel": "phone"})


async def test_no_event_no_record_and_no_log_has_the_secret_or_the_address(
        teller: Teller, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    teller.receiver.answers = [(500, {}), (404, {})]
    await teller.alert()
    await teller.rig.tick(1.0)
    await teller.arrives(1)
    await teller.rig.ask(teller.rig.session("ann"), "notify_test", {"channel": "studio"})
    await teller.rig.room.notify.tested("studio")
    await teller.rig.tick(20.0)
    room = teller.rig.room
    told = [wire.text([one.payload, wire.plain(room.initial_state()), room.notify.ways()]) for one in teller.rig.told]
    kept = [str(await teller.rig.store.records("notify")), str(await teller.rig.store.events(0, 1000))]
    for text in (*told, *kept, caplog.text, repr(room.notify._setup)):
        assert not [word for word in ("s3cret", "ann:word", SECRET, SECRET[6:]) if word in text]


def room_with(table: dict[str, Any]) -> Room:
    return Room(MemoryStore(), Settings(data=Path("nowhere"), notify=table), lambda shown: None)


def test_a_hub_does_not_start_with_settings_that_cannot_be(receiver: Any, table: Callable[..., Any]) -> None:
    with pytest.raises(ConfigError, match=r"notify\.channels\.studio\.secret: expected 'whsec_' and base64"):
        room_with(table(receiver, secret="short"))
    with pytest.raises(ConfigError, match=r"notify\.colour: unknown"):
        room_with({"colour": 1})
    with pytest.raises(ConfigError, match=r"routes\.trouble\.rules: no alert is of 'gpu_hott'; there are .*gpu_hot,"):
        room_with(with_rules(table(receiver), "gpu_hott"))


def with_rules(found: dict[str, Any], *rules: str) -> dict[str, Any]:
    found["routes"]["trouble"]["rules"] = list(rules)
    return found


def test_a_route_may_name_any_rule_there_is(receiver: Any, table: Callable[..., Any]) -> None:
    alerts = {"cold": {"when": "gpu.temp_c < 5 for 60 s"}, "gpu_hot": {"off": True}}
    found = with_rules(table(receiver), "cold", "gpu_hot", "disk", "failed", "rule:gpu_*", "engine:comfyui")
    [route] = read(found, alerts).routes
    assert "cold" in route.rules
    with pytest.raises(ConfigError, match=r"no alert is of 'engine_down'; there are .*engine"):
        read(with_rules(table(receiver), "engine_down"), {})


@pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")
async def test_a_service_that_apprise_does_not_know_is_told_at_the_start(rig_type: Any) -> None:
    pytest.importorskip("apprise", reason="Apprise is not installed (the extra notify)")
    channels = {"phone": {"apprise": "ntfi://x/topic"}}
    rig = await rig_type(settings=Settings(data=Path("nowhere"), notify={"channels": channels})).start()
    alert = rig.alerts()["notify:phone"]
    assert (alert.title, alert.level) == ("phone cannot be used", "warning")
    assert alert.message.startswith("Apprise knows no such address (ntfi://…)")
    channels["phone"]["apprise"] = "ntfys://ntfy.sh/topic"
    await rig.restart()
    assert rig.alerts() == {}
    await rig.stop()


async def test_without_apprise_the_hub_goes_on_and_says_what_to_install(
        rig_type: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(senders, "find_spec", lambda name: None)
    settings = Settings(data=Path("nowhere"), notify={
        "channels": {"phone": {"apprise": "ntfys://ntfy.sh/topic"}},
        "routes": {"all": {"to": ["phone"], "levels": ["error", "warning"]}}})
    rig = await rig_type(settings=settings).start()
    alert = rig.alerts()["notify:phone"]
    assert alert.message == "Apprise is not installed: pip install 'echodeck[notify]'"
    await rig.tick(60.0)
    assert rig.room.board.get("channels", "phone").waiting == 0
    with pytest.raises(IllegalTransition, match="Apprise is not installed"):
        await rig.ask(rig.session("ann"), "notify_test", {"channel": "phone"})
    await rig.agent()
    assert len(await rig.submit(rig.session("ann"))) == 1, "the hub goes on"
    monkeypatch.undo()
    await rig.stop()
