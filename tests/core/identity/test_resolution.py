"""Exactly one source says who asks, and a claim that is not accepted is never served under another identity."""

from __future__ import annotations

import pytest

from rookery_core.errors import NotAllowed
from rookery_core.identity import Caller, acting_as, current_caller
from rookery_core.identity.asker import ASKER_META_KEY, AskerVerifier, sign
from rookery_core.identity.resolution import CallerResolver

KEY = "k" * 40
PERSON = Caller(team="T", user="U1", kind="member", channel="C1", room="private")
BOT = Caller(team="T", user="UBOT", kind="agent", scopes=frozenset({"delegate"}))
STRANGER = Caller(team="T", user="U9", kind="member")


def asked_by(person: Caller = PERSON) -> dict[str, str]:
    return {ASKER_META_KEY: sign(person, KEY, "rookery-slack")}


def resolver(*, as_user: str | None = None, with_key: bool = True) -> CallerResolver:
    return CallerResolver("T", as_user, AskerVerifier(KEY, "rookery-slack") if with_key else None)


def test_nobody_named_means_anonymous() -> None:
    for over_http in (True, False):
        assert resolver().resolve(None, None, over_http=over_http) == Caller(team="T")


def test_as_user_counts_on_stdio_only() -> None:
    assert resolver(as_user="U7").resolve({}, None, over_http=False).user == "U7"
    assert resolver(as_user="U7").resolve({}, None, over_http=True) == Caller(team="T")


def test_a_token_speaks_for_its_owner() -> None:
    assert resolver().resolve({}, STRANGER, over_http=True) == STRANGER


def test_a_delegate_asks_for_a_person() -> None:
    assert resolver().resolve(asked_by(), BOT, over_http=True) == PERSON


def test_the_bot_over_stdio_asks_for_a_person() -> None:
    assert resolver().resolve(asked_by(), None, over_http=False) == PERSON


@pytest.mark.parametrize("bearer", [None, STRANGER])
def test_a_signed_asker_without_delegate_scope_is_refused(bearer: Caller | None) -> None:
    with pytest.raises(NotAllowed, match="delegate"):
        resolver().resolve(asked_by(), bearer, over_http=True)


def test_a_signed_asker_is_refused_where_no_key_is_set() -> None:
    with pytest.raises(NotAllowed, match="no signed asker"):
        resolver(with_key=False).resolve(asked_by(), BOT, over_http=True)


def test_a_signed_asker_of_another_team_is_refused() -> None:
    with pytest.raises(NotAllowed, match="another team"):
        resolver().resolve(asked_by(Caller(team="X", user="U1", kind="member")), BOT, over_http=True)


def test_a_server_started_for_a_person_asks_for_nobody_else() -> None:
    with pytest.raises(NotAllowed, match="as-user"):
        resolver(as_user="U7").resolve(asked_by(), None, over_http=False)


@pytest.mark.parametrize("meta", [None, {}, {"rookery/trace": "t"}])
def test_a_delegate_that_names_nobody_asks_for_nobody(meta: object) -> None:
    assert resolver().resolve(meta, BOT, over_http=True) == Caller(team="T")


@pytest.mark.parametrize("meta", ["rookery/asker", ["rookery/asker"], 7, True])
def test_meta_of_another_shape_is_refused(meta: object) -> None:
    for bearer in (None, STRANGER, BOT):
        with pytest.raises(NotAllowed, match="_meta"):
            resolver().resolve(meta, bearer, over_http=True)


@pytest.mark.parametrize("bearer", [None, STRANGER, BOT])
@pytest.mark.parametrize("claim", [None, 17, {"user": "U1"}, "", ["x"], "\ud800.x"])
def test_a_broken_claim_is_never_served_as_the_bearer(claim: object, bearer: Caller | None) -> None:
    with pytest.raises(NotAllowed):
        resolver().resolve({ASKER_META_KEY: claim}, bearer, over_http=True)
    with pytest.raises(NotAllowed):
        resolver(as_user="U7").resolve({ASKER_META_KEY: claim}, None, over_http=False)


@pytest.mark.parametrize("claim", [17, {"user": "U1"}, "", ["x"]])
def test_a_claim_of_any_other_shape_is_refused(claim: object) -> None:
    with pytest.raises(NotAllowed):
        resolver().resolve({ASKER_META_KEY: claim}, BOT, over_http=True)


def test_there_is_no_caller_outside_of_a_request() -> None:
    with pytest.raises(LookupError):
        current_caller()
    with acting_as(PERSON):
        assert current_caller() == PERSON
    with pytest.raises(LookupError):
        current_caller()
