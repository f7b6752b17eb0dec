"""What leaves, to real servers on this machine: signed webhooks, and ntfy and mail through Apprise itself."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from email import message_from_string
from typing import Any

import pytest

from echodeck.brain.notices.channels import Channel
from echodeck.errors import NotDelivered
from echodeck.hub.notify import senders
from echodeck.hub.notify.letters import Letter, letter_of, trial
from echodeck.hub.notify.senders import in_thread, send, unusable

pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")  # what Apprise loads
SECRET = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"
LETTER = Letter("msg_1", "error", "Hügel failed", "out of memory <b>", b'{"type":"echodeck.notice"}')


def hook(receiver: Any, path: str = "/hook") -> Channel:
    return Channel("studio", webhook=f"http://{receiver.place}{path}", secret=SECRET)


@pytest.mark.parametrize(("status", "headers", "said", "final", "after_s"), [
    (500, {}, "it answered 500", False, 0.0), (404, {}, "it answered 404", False, 0.0),
    (429, {"Retry-After": "30"}, "it answered 429", False, 30.0),
    (503, {"Retry-After": "Wed, 21 Oct 2026 07:28:00 GMT"}, "it answered 503", False, 0.0),
    (400, {}, "it answered 400", True, 0.0), (410, {}, "it answered 410", True, 0.0),
    (302, {"Location": "/elsewhere"}, "it answered 302: it has moved, and a webhook does not follow", True, 0.0),
    (307, {"Location": "/elsewhere"}, "it answered 307: it has moved, and a webhook does not follow", True, 0.0),
])
def test_what_a_refusal_means(receiver: Any, status: int, headers: dict[str, str], said: str, final: bool,
                              after_s: float) -> None:
    receiver.answers = [(status, headers)]
    with pytest.raises(NotDelivered) as caught:
        send(hook(receiver), LETTER)
    assert (caught.value.message, caught.value.final, caught.value.after_s) == (said, final, after_s)
    assert [got.path for got in receiver.got] == ["/hook"]


def test_any_2xx_has_arrived(receiver: Any) -> None:
    receiver.answers = [(204, {})]
    send(hook(receiver), LETTER)
    assert receiver.got[0].body == LETTER.body


def test_a_receiver_that_does_not_answer(receiver: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(senders, "TIMEOUT_S", 0.2)
    receiver.hold.clear()
    with pytest.raises(NotDelivered, match=r"no answer within 0 s|TimeoutError"):
        send(hook(receiver), LETTER)
    unknown = Channel("studio", webhook="http://nowhere.invalid/secret-path", secret=SECRET)
    with pytest.raises(NotDelivered) as caught:
        send(unknown, LETTER)
    assert "secret-path" not in caught.value.message


def test_ntfy_through_apprise(receiver: Any) -> None:
    pytest.importorskip("apprise", reason="Apprise is not installed (the extra notify)")
    send(Channel("phone", apprise=f"ntfy://{receiver.place}/topic"), LETTER)
    [got] = receiver.got
    assert (got.json["topic"], got.json["title"], got.json["message"]) == (
        "topic", "Hügel failed", "out of memory <b>")


class Lines(logging.Handler):
    """What reaches the root's log. (pytest's own handler also hears loggers that do not pass it on.)"""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())


@pytest.fixture
def logged() -> Iterator[list[str]]:
    handler = Lines()
    logging.getLogger().addHandler(handler)
    yield handler.lines
    logging.getLogger().removeHandler(handler)


def test_what_ntfy_refuses_is_said_without_the_topic(receiver: Any, logged: list[str]) -> None:
    pytest.importorskip("apprise", reason="Apprise is not installed (the extra notify)")
    receiver.answers = [(403, {})] * 3
    with pytest.raises(NotDelivered) as caught:
        send(Channel("phone", apprise=f"ntfy://{receiver.place}/secret-topic"), LETTER)
    assert caught.value.message == "ntfy answered 403"
    receiver.stop()
    with pytest.raises(NotDelivered, match="ntfy could not be reached, or did not take it"):
        send(Channel("phone", apprise=f"ntfy://{receiver.place}/secret-topic"), LETTER)
    assert not [line for line in logged if "secret-topic" in line]


def test_mail_through_apprise(mailbox: Any) -> None:
    pytest.importorskip("apprise", reason="Apprise is not installed (the extra notify)")
    address = f"mailto://127.0.0.1:{mailbox.port}?from=deck@example.org&to=ann@example.org&mode=insecure"
    send(Channel("mail", apprise=address), LETTER)
    [raw] = mailbox.mails
    mail = message_from_string(raw)
    assert "ann@example.org" in mail["To"]
    texts = [part.get_payload(decode=True) for part in mail.walk() if part.get_content_maintype() == "text"]
    assert any(b"out of memory" in text for text in texts if isinstance(text, bytes))


def test_an_address_that_apprise_does_not_know() -> None:
    pytest.importorskip("apprise", reason="Apprise is not installed (the extra notify)")
    with pytest.raises(NotDelivered, match="knows no such address") as caught:
        send(Channel("phone", apprise="nonsense://secret"), LETTER)
    assert caught.value.final
    assert "secret" not in caught.value.message


def test_what_apprise_does_not_know_is_found_before_anything_is_sent() -> None:
    pytest.importorskip("apprise", reason="Apprise is not installed (the extra notify)")
    assert unusable(Channel("phone", apprise="ntfys://ntfy.sh/topic")) == ""
    assert unusable(Channel("hook", webhook="https://example.org/secret")) == ""
    said = unusable(Channel("phone", apprise="ntfi://secret/topic"))
    assert said.startswith("Apprise knows no such address (ntfi://…): mend notify.channels.phone.apprise")
    short = unusable(Channel("phone", apprise="slack://secret"))
    assert short.startswith("Apprise knows no such address (slack://…)")
    assert "secret" not in said + short


async def test_a_call_in_a_thread_gives_back_what_it_raised() -> None:
    await in_thread(lambda: None)
    with pytest.raises(ZeroDivisionError):
        await in_thread(lambda: print(1 / 0))
    left = in_thread(lambda: None)
    left.cancel()


def test_a_letter_of_a_test() -> None:
    letter = letter_of(trial("t1", "phone", "ann", 0.0), "phone", None, 0.0)
    assert (letter.id, letter.title) == ("t1", "A test from echodeck")
    assert b'"type":"echodeck.test"' in letter.body
