"""Signing and checking webhooks; the vector is the specification's own."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

import echodeck
from echodeck.errors import BadSignature, ConfigError
from echodeck.webhook import new_secret, sign, verify_webhook

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
BODY = b'{"test": 2432232314}'
AT_S = 1614265330.0


def signed(**changed: str) -> dict[str, str]:
    return {**sign(BODY, "msg_p5jXN8AQM9LWM0D4loKWxJek", AT_S, SECRET), **changed}


def test_the_vector_of_the_specification() -> None:
    assert signed()["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_what_was_signed_is_believed() -> None:
    assert verify_webhook(BODY, signed(), SECRET, now_s=AT_S + 10.0) == {"test": 2432232314}
    capital = {name.title(): value for name, value in signed().items()}
    assert echodeck.verify_webhook(BODY.decode(), capital, SECRET, now_s=AT_S) == {"test": 2432232314}
    two = signed()["webhook-signature"]
    changing = signed(**{"webhook-signature": f"v1,AAAA v2,x {two}"})
    assert verify_webhook(BODY, changing, SECRET, now_s=AT_S)


@pytest.mark.parametrize(("changed", "said"), [
    ({"webhook-id": "another"}, "not of this body"),
    ({"webhook-timestamp": str(int(AT_S) + 1)}, "not of this body"),
    ({"webhook-timestamp": str(int(AT_S) + 301)}, "301 s ahead"),
    ({"webhook-timestamp": str(int(AT_S) - 301)}, "301 s old"),
    ({"webhook-timestamp": "soon"}, "no number"),
    ({"webhook-signature": "v1,"}, "not of this body"),
    ({"webhook-signature": "v1,ünlesbar"}, "not of this body"),
    ({"webhook-signature": ""}, "not all there"),
])
def test_anything_changed_is_refused(changed: dict[str, str], said: str) -> None:
    with pytest.raises(BadSignature, match=said):
        verify_webhook(BODY, signed(**changed), SECRET, now_s=AT_S)


def test_another_secret_or_none() -> None:
    with pytest.raises(BadSignature):
        verify_webhook(BODY, signed(), new_secret(), now_s=AT_S)
    for bad in ("", "whsec_", "whsec_short", "whsec_" + "A" * 100, "mit Leerzeichen und ü"):
        with pytest.raises(ConfigError, match="secret: expected") as caught:
            verify_webhook(BODY, signed(), bad, now_s=AT_S)
        assert not bad or bad not in str(caught.value) or bad == "whsec_"


@given(st.binary(), st.integers(0, 2**32), st.binary(min_size=1, max_size=8))
def test_no_other_body_has_the_signature(body: bytes, at_s: int, more: bytes) -> None:
    secret = new_secret()
    with pytest.raises(BadSignature):
        verify_webhook(body + more, sign(body, "a", at_s, secret), secret, now_s=at_s)
