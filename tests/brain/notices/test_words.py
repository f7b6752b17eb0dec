"""Messages as people read them."""

from __future__ import annotations

from datetime import UTC

import pytest
from hypothesis import given
from hypothesis import strategies as st

from echodeck.brain.notices.line import Group, Message
from echodeck.brain.notices.notice import Notice
from echodeck.brain.notices.words import MOST_TITLE, harmless, text, title


def group(kind: str, *titles: str, number: int | None = None, cause: str = "", message: str = "") -> Group:
    notices = tuple(Notice(str(n), 60.0 * n, kind, "warning", one, message, cause) for n, one in enumerate(titles))
    return Group(notices[0].group, "warning", 0.0, number or len(notices), notices)


def test_one_notice_is_itself() -> None:
    one = Message("m", (group("alert", "GPU 0 is hot", cause="gpu_hot:a", message="91 °C for 30 s"),))
    assert (title(one), text(one, UTC)) == ("GPU 0 is hot", "91 °C for 30 s")
    over = Message("m", (group("resolved", "GPU 0 is hot", cause="gpu_hot:a"),))
    assert (title(over), text(over, UTC)) == ("Over: GPU 0 is hot", "00:00")


@pytest.mark.parametrize(("kind", "said"), [
    ("completed", "Hills is done"), ("failed", "Hills failed"), ("cancelled", "Hills was cancelled")])
def test_the_end_of_a_job_says_what_became_of_it(kind: str, said: str) -> None:
    one = Message("m", (group(kind, "Hills", message="sdxl, in 7.6 s"),))
    assert (title(one), text(one, UTC)) == (said, "sdxl, in 7.6 s")
    assert title(Message("m", (group(kind, "x" * 200),))).endswith(said.removeprefix("Hills"))


def test_many_of_a_kind_are_a_number_and_the_latest_of_them() -> None:
    many = Message("m", (group("failed", "Hills", "Sea", number=12, message="out of memory"),))
    assert title(many) == "12 generations failed"
    assert text(many, UTC).split("\n") == [
        "and 10 before that of the kind failed", "00:00 Hills failed: out of memory",
        "00:01 Sea failed: out of memory"]
    hot = Message("m", (group("alert", "GPU 0 is hot", "GPU 1 is hot", cause="gpu_hot:a"),))
    assert title(hot) == "2 × gpu hot"


def test_a_digest_counts_its_kinds() -> None:
    digest = Message("m", (group("completed", "Hills", "Sea"), group("alert", "GPU is hot", cause="gpu_hot:a"),
                           group("resolved", "GPU is hot", cause="gpu_hot:a")))
    assert title(digest) == "4 notices: 2 × completed, 1 × GPU is hot, 1 × over: GPU is hot"
    assert len(text(digest, UTC).split("\n")) == 4


def test_others_words_call_nobody() -> None:
    said = Message("m", (group("completed", "@everyone\x1b[2J <!here> \u202eabc\nnext"),))
    shown = title(said)
    assert "@everyone" not in shown
    assert "<!here" not in shown
    assert shown.isprintable() or "\u200b" in shown
    assert "\n" not in shown


@given(st.text())
def test_harmless_is_one_line_without_anything_unseen(words: str) -> None:
    shown = harmless(words)
    assert all(mark.isprintable() for mark in shown.replace("\u200b", ""))
    assert "@e" not in shown


@given(st.lists(st.text(min_size=1), min_size=1, max_size=12))
def test_a_title_is_never_long(titles: list[str]) -> None:
    assert len(title(Message("m", (group("completed", *titles), group("failed", *titles))))) <= MOST_TITLE
