"""A signed asker is good for one server, once, for five minutes; everything else is refused."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rookery_core.errors import ConfigurationError, NotAllowed
from rookery_core.identity import Caller
from rookery_core.identity.asker import MAX_LIFETIME_S, AskerVerifier, sign

KEY = "k" * 40
ASKER = Caller(team="T1", user="U1", kind="guest", channel="C1", room="private")
NOW = 1_000_000.0


def verifier(now: float = NOW, audience: str = "rookery-slack", key: str = KEY) -> AskerVerifier:
    return AskerVerifier(key, audience, clock=lambda: now)


def token(caller: Caller = ASKER, **options: object) -> str:
    return sign(caller, KEY, "rookery-slack", now=NOW, **options)  # type: ignore[arg-type]


kinds = st.sampled_from(["member", "guest", "outsider"])


rooms = st.sampled_from(["direct", "private", "public", "guests", "shared"])


@given(
    team=st.text(min_size=1),
    user=st.text(min_size=1),
    kind=kinds,
    place=st.tuples(st.none(), st.none() | rooms) | st.tuples(st.text(min_size=1), rooms),
)
def test_what_was_signed_comes_back(team: str, user: str, kind: str, place: tuple[str | None, str]) -> None:
    channel, room = place
    caller = Caller(team=team, user=user, kind=kind, channel=channel, room=room)  # type: ignore[arg-type]
    assert verifier().verify(token(caller)) == caller


def test_a_conversation_without_its_readers_is_read_by_anybody() -> None:
    asked = verifier().verify(token(Caller(team="T1", user="U1", kind="member", channel="C1")))
    assert asked.room == "shared"
    assert asked.outsiders_read
    alone = verifier().verify(token(Caller(team="T1", user="U1", kind="member")))
    assert alone.reads_alone


@pytest.mark.parametrize("room", ["", "everywhere", 7, ["direct"], True])
def test_a_room_of_an_unknown_kind_is_refused(room: object) -> None:
    with pytest.raises(NotAllowed, match="names no caller"):
        verifier().verify(signed({**payload_of(token()), "room": room}))


def test_scopes_of_the_delegate_do_not_travel() -> None:
    rich = Caller(team="T1", user="U1", kind="member", scopes=frozenset({"write"}))
    assert verifier().verify(token(rich)).scopes == frozenset()


@pytest.mark.parametrize(
    ("check", "reason"),
    [
        (verifier(key="x" * 40), "signature"),
        (verifier(audience="rookery-docs"), "another server"),
        (verifier(now=NOW + MAX_LIFETIME_S + 1), "expired"),
        (verifier(now=NOW - 3600), "five minutes"),
    ],
)
def test_wrong_key_server_or_time_is_refused(check: AskerVerifier, reason: str) -> None:
    with pytest.raises(NotAllowed, match=reason) as refused:
        check.verify(token())
    assert token().split(".")[0] not in str(refused.value)


def test_a_token_is_good_once() -> None:
    check, once = verifier(), token()
    check.verify(once)
    with pytest.raises(NotAllowed, match="used before"):
        check.verify(once)


def test_nonces_are_forgotten_when_they_can_no_longer_be_used() -> None:
    times = [NOW]
    check = AskerVerifier(KEY, "rookery-slack", clock=lambda: times[0])
    for _ in range(10_050):
        check.verify(token())
    times[0] = NOW + MAX_LIFETIME_S + 1
    later = sign(ASKER, KEY, "rookery-slack", now=times[0])
    assert check.verify(later) == ASKER
    assert len(check._spent) == 1  # pyright: ignore[reportPrivateUsage] bounded memory is the promise


@given(st.text(max_size=400))
def test_any_other_text_is_refused(text: str) -> None:
    with pytest.raises(NotAllowed):
        verifier().verify(text)


@given(st.integers(min_value=0), st.characters(codec="ascii"))
def test_a_changed_token_is_refused(position: int, character: str) -> None:
    original = token()
    place = position % len(original)
    changed = original[:place] + character + original[place + 1 :]
    if changed == original:
        return
    with pytest.raises(NotAllowed):
        verifier().verify(changed)


def test_a_longer_life_than_five_minutes_cannot_be_signed_or_claimed() -> None:
    body = token(lifetime_s=10 * MAX_LIFETIME_S).split(".")[0]
    payload = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    assert payload["exp"] - payload["iat"] == MAX_LIFETIME_S


def signed(payload: dict[str, object]) -> str:
    """A token with this payload, signed with the right key."""

    def encoded(data: bytes) -> str:
        return base64.urlsafe_b64encode(data).decode().rstrip("=")

    body = encoded(json.dumps(payload).encode())
    return f"{body}.{encoded(hmac.new(KEY.encode(), body.encode(), hashlib.sha256).digest())}"


def payload_of(token: str) -> dict[str, object]:
    body = token.split(".")[0]
    return json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))


@pytest.mark.parametrize("nonce", [None, "", "None", 7, ["0123456789ab"], "short"])
def test_a_token_without_a_nonce_is_refused(nonce: object) -> None:
    payload = payload_of(token())
    assert verifier().verify(signed(payload)) == ASKER
    with pytest.raises(NotAllowed, match="nonce"):
        verifier().verify(signed({**payload, "nonce": nonce}))
    del payload["nonce"]
    with pytest.raises(NotAllowed, match="nonce"):
        verifier().verify(signed(payload))


@pytest.mark.parametrize("field", ["team", "user", "kind", "aud", "iat", "exp"])
def test_a_token_that_lacks_a_field_is_refused(field: str) -> None:
    payload = payload_of(token())
    del payload[field]
    with pytest.raises(NotAllowed):
        verifier().verify(signed(payload))


def test_a_short_key_is_refused_with_the_remedy() -> None:
    with pytest.raises(ConfigurationError, match=r"ROOKERY_CONTEXT_KEY.*Make one with"):
        AskerVerifier("short", "rookery-slack")


def test_a_person_needs_a_name() -> None:
    with pytest.raises(ValueError, match="needs a user"):
        Caller(kind="member")
