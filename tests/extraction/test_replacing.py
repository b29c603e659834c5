"""What a new fact makes untrue gives way to it: once, for whose memory it is, and never what nobody asked about."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulators.models import Reply, Request, judged, note_taker
from extraction.conftest import House
from rookery.extraction.composition import SUBSCRIPTION
from rookery.extraction.facts import Fact
from rookery.extraction.replacement import Doubt, Known, Stored, doubts, read_replacements
from rookery.extraction.replies import Malformed
from rookery.extraction.turns import Said
from rookery_core.queue import RetryLater
from rookery_memory.records import NewMemory

if TYPE_CHECKING:
    from rookery_core.identity import Caller
    from rookery_memory.records import Memory

pytestmark = pytest.mark.slow

MAY = datetime(2026, 5, 8, 13, 56, tzinfo=UTC)


def replaces_all_that_holds(word: str) -> Any:
    """A model that notes every turn, and takes every known fact with the word for untrue."""

    def brain(request: Request) -> Reply:
        if (facts := judged(request)) is None:
            return note_taker(request)
        verdict = [
            {"new": number, "untrue": [at for at, known in candidates if word in known]}
            for number, _, candidates in facts
        ]
        return Reply(text=json.dumps(verdict))

    return brain


async def history(house: House, ada: Caller, found: Memory) -> Memory:
    (version,) = await house.store.history(ada, found.id)
    return version


async def test_a_fact_that_is_untrue_now_gives_way_and_keeps_its_time(house: House, ada: Caller) -> None:
    house.models.brain = replaces_all_that_holds("Oslo")
    await house.say(ada, "plan", "I live in Oslo and like it", said_at=MAY)
    await house.work()
    (old,) = await house.facts(ada)
    await house.say(
        ada, "later", "I live in Lisbon now", "I still have a cat", said_at=MAY + timedelta(days=30)
    )
    await house.work()
    cat, lisbon = sorted(await house.facts(ada), key=lambda one: "Lisbon" in one.content)
    assert (cat.content, lisbon.content) == (
        "Maria said: I still have a cat",
        "Maria said: I live in Lisbon now",
    )
    kept = await history(house, ada, old)
    assert (kept.superseded_by, kept.valid_from, kept.valid_until) == (
        lisbon.id,
        MAY,
        MAY + timedelta(days=30),
    )
    assert [one.content for one in await house.facts(ada, as_of=MAY + timedelta(days=1))] == [old.content]
    assert house.agent.recorder is not None
    assert await house.queue.list() == []


async def test_what_is_pinned_or_newer_or_of_another_scope_stays(house: House, ada: Caller) -> None:
    """A model that would give up everything gives up only what it was asked about."""
    house.models.brain = replaces_all_that_holds("Maria")
    await house.store.remember(ada, NewMemory(content="Maria lives in Oslo", pinned=True))
    await house.store.remember(
        ada, NewMemory(content="Maria lives in Rome", valid_from=MAY + timedelta(days=9))
    )
    await house.store.remember(ada, NewMemory(content="Maria lives in Bonn"), "team")
    await house.store.remember(ada, NewMemory(content="Maria lives in Prague", valid_from=MAY))
    await house.say(ada, "plan", "I live in Lisbon", said_at=MAY + timedelta(days=1))
    await house.work()
    held = [one.content for one in await house.facts(ada, as_of=MAY + timedelta(days=400))]
    assert held == [
        "Maria lives in Bonn", "Maria lives in Oslo", "Maria lives in Rome", "Maria said: I live in Lisbon",
    ]  # fmt: skip


async def test_a_repeated_attempt_keeps_the_first_judgment(house: House, ada: Caller) -> None:
    """Whoever dies after the model has judged replaces the same again, and asks nothing anew."""
    await house.say(ada, "plan", "I live in Oslo")
    await house.work()
    (old,) = await house.facts(ada)
    house.models.brain = replaces_all_that_holds("Oslo")
    await house.say(ada, "plan", "I live in Lisbon")
    event, attempt = await house.next_event()
    connection = house.handlers[SUBSCRIPTION]._memory  # pyright: ignore[reportAttributeAccessIssue, reportFunctionMemberAccess]
    remember = connection.call

    async def dies_when_it_replaces(name: str, arguments: dict[str, Any], **more: Any) -> Any:
        if arguments["replaces"]:
            raise ConnectionResetError("killed here")
        return await remember(name, arguments, **more)

    connection.call = dies_when_it_replaces
    with pytest.raises(ConnectionResetError):
        await house.handlers[SUBSCRIPTION](event, attempt)
    assert len(await house.facts(ada)) == 2
    asked = len(house.models.requests)
    connection.call = remember
    house.models.brain = replaces_all_that_holds("nothing")
    await house.handlers[SUBSCRIPTION](event, attempt)
    (new,) = await house.facts(ada)
    assert len(house.models.requests) == asked
    assert (await history(house, ada, old)).superseded_by == new.id
    assert await house.queue.effects.of(event) == []


async def test_a_reply_that_is_no_judgment_is_asked_for_again(house: House, ada: Caller) -> None:
    await house.say(ada, "plan", "I live in Oslo", "I live in Oslo by the sea")
    event, attempt = await house.next_event()

    def hesitating(request: Request) -> Reply:
        return Reply(text="Hard to say.") if judged(request) else note_taker(request)

    house.models.brain = hesitating
    with pytest.raises(RetryLater, match="no JSON list"):
        await house.handlers[SUBSCRIPTION](event, attempt)

    def declining(request: Request) -> Reply:
        return Reply(text="No.", stop="refusal") if judged(request) else note_taker(request)

    house.models.brain = declining
    await house.handlers[SUBSCRIPTION](event, attempt)
    assert len(await house.facts(ada)) == 2


def stored(content: str, *known: str) -> Stored:
    turn = Said(0, "0", "Maria", content, MAY.isoformat())
    similar = [Known(f"memory://user/{one}", one, MAY, pinned=False) for one in known]
    return Stored(Fact(content, "fact", (0,)), [turn], similar, None)  # pyright: ignore[reportArgumentType]


def test_only_as_many_are_asked_about_as_fit() -> None:
    facts = [stored("a", "old", "older"), stored("b", "old")]
    assert [(one.number, one.known.content) for one in doubts(facts, 100)] == [
        (1, "old"),
        (1, "older"),
        (2, "old"),
    ]
    assert [(one.number, one.known.content) for one in doubts(facts, 10)] == [(1, "old"), (1, "older")]


def test_a_known_fact_gives_way_to_the_first_that_claims_it() -> None:
    doubted = doubts([stored("a", "one", "two"), stored("b", "one")], 1000)
    reply = json.dumps(
        [{"new": 2, "untrue": 3}, {"new": 1, "untrue": [1, 2, 9, True, "2"]}, {"new": 1, "untrue": [3]}]
    )
    found = [(fact.content, ids) for fact, ids in read_replacements(reply, doubted)]
    assert found == [("a", ["memory://user/two"]), ("b", ["memory://user/one"])]


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 9) | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["new", "untrue", "x"]), inner, max_size=3)
    ),
    max_leaves=12,
)


@given(st.lists(VALUES, max_size=6), st.integers(0, 60))
def test_nothing_is_replaced_that_was_not_asked_about(entries: list[Any], cut: int) -> None:
    doubted: list[Doubt] = doubts([stored("a", "one", "two"), stored("b", "one", "three")], 1000)
    text = json.dumps(entries)
    try:
        found = read_replacements(text[: max(len(text) - cut, 0)], doubted)
    except Malformed:
        return
    under = {(one.fact.content, one.known.id) for one in doubted}
    replaced = [(fact.content, one) for fact, ids in found for one in ids]
    assert set(replaced) <= under
    assert len({one for _, one in replaced}) == len(replaced)
