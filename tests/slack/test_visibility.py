"""Who asks decides: what a stranger is answered does not change by one byte, whatever is said in private."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

import pytest

from rookery_core.identity import Caller
from rookery_core.ranking import refresh_statistics
from rookery_slack.observations import ChannelFact, Membership, MessageDeleted, Observations, Reaction
from rookery_slack.settings import SlackSettings
from rookery_slack.store import COLLECTION, PUBLIC_WORDS, sync_state, vectors
from rookery_slack.store.session import Store
from rookery_slack.store.writer import Writer
from slack_calls import answer, by_name
from slack_facts import INGEST, at, channel, person, said, together

if TYPE_CHECKING:
    from rookery_core.database import Database

Fill = Callable[[Observations], Awaitable[None]]
WORDS = [
    "deploy",
    "failed",
    "index",
    "slow",
    "query",
    "vacuum",
    "replica",
    "lag",
    "timeout",
    "retry",
    "budget",
    "salary",
    "merger",
    "layoff",
]
MEMBER = Caller(user="UADA", kind="member")
GUEST = Caller(user="UGUEST", kind="guest")
OUTSIDER = Caller(user="UOUT", kind="outsider", channel="CSHARED")
STRANGERS = [Caller(), MEMBER, GUEST, OUTSIDER, Caller(kind="agent")]

CALLS: list[tuple[str, dict[str, Any]]] = [
    ("list_channels", {"include_archived": True}),
    ("list_channels", {"query": "sec"}),
    ("list_channels", {"limit": 1}),
    ("list_users", {}),
    ("get_channel_members", {"channel": "general"}),
    ("get_channel_members", {"channel": "secret"}),
    ("get_conversation", {"channel": "general", "limit": 4}),
    ("get_conversation", {"channel": "general", "start": "2020-01-01", "max_tokens": 300}),
    ("get_conversation", {"channel": "secret"}),
    ("get_conversation", {"channel": "CSECRET"}),
    ("get_conversation", {"channel": "https://acme.slack.com/archives/CSECRET/p1700000010000100"}),
    ("get_thread", {"thread": "1700000001.000100", "channel": "CGENERAL"}),
    ("get_thread", {"thread": "1700000010.000100", "channel": "CSECRET"}),
    ("search_messages", {"query": "deploy failed salary"}),
    ("search_messages", {"query": "deploy", "mode": "keyword", "limit": 2}),
    ("search_messages", {"query": "merger layoff", "mode": "semantic"}),
    ("search_messages", {"query": "salary in:secret"}),
    ("search_messages", {"query": "budget", "has": ["reaction"]}),
    ("search_messages", {"query": "slow", "channels": ["secret"]}),
    ("get_user_activity", {"user": "UADA", "start": "2020-01-01"}),
    ("get_user_activity", {"user": "UBOB", "start": "2020-01-01", "limit": 2}),
    ("catch_up", {"since": "2020-01-01"}),
    ("catch_up", {"since": "2020-01-01", "channels": ["secret"]}),
    ("memory_status", {}),
    ("memory_status", {"channels": ["secret"]}),
]


def _public() -> Observations:
    return together(
        channel("CGENERAL", "general", members=("UADA", "UBOB", "UGUEST"), topic="hello"),
        channel("CSHARED", "shared", members=("UADA", "UOUT"), shared=True),
        channel("COTHER", "other", members=("UADA",)),
        person("UADA", "Ada"),
        person("UBOB", "Bob"),
        person("UGUEST", "Gus", is_guest=True),
        person("UOUT", "Otto", is_stranger=True),
        *(
            said(name, f"{1700000000 + n}.000100", " ".join(_some(n)), "UADA" if n % 3 else "UBOB")
            for n, name in enumerate(["CGENERAL", "CSHARED", "COTHER"] * 8)
        ),
        said("CGENERAL", "1700000002.000200", "a reply about deploy", "UBOB", thread="1700000000.000100"),
    )


def _some(seed: int) -> list[str]:
    return random.Random(seed).choices(WORDS[:11], k=6)


def _private(seed: int) -> Observations:
    """Private channels and direct messages full of the same words, by and about the same people."""
    dice = random.Random(seed)
    facts = together(
        channel("CSECRET", "secret", "private", members=("UBOB",), topic="salary"),
        channel("CLAYOFF", "general-layoffs", "private", members=("UBOB", "UEVE")),
        channel("DBOB", "", "im", members=("UBOB", "UEVE")),
        channel("CUNKNOWN", "unknown"),
    )
    facts.channels[-1] = ChannelFact("CUNKNOWN", facts.channels[-1].at, name="unknown")
    for n in range(60):
        where = dice.choice(["CSECRET", "CLAYOFF", "DBOB", "CUNKNOWN"])
        ts = f"{1700000000 + dice.randrange(40)}.{n:06d}"
        text = " ".join(dice.choices(WORDS, k=8))
        facts.add(
            said(where, ts, text, dice.choice(["UADA", "UBOB"]), files=[{"id": "F1", "title": "budget"}])
        )
        facts.reactions.append(Reaction(where, at(ts), "eyes", "UADA", True, at(ts)))
    facts.add(said("CSECRET", "1700000010.000100", "the merger", "UBOB"))
    facts.add(said("CSECRET", "1700000011.000100", "yes", "UADA", thread="1700000010.000100"))
    return facts


async def _embed(database: Database) -> None:
    """Vectors by hand: a message's words, each in a dimension of its own."""
    import numpy as np

    async with database.transaction(INGEST) as connection:
        waiting = await vectors.without_vector(connection, INGEST, 1000)
        made = np.array(
            [[1.0 + each.text.count(word) for word in WORDS] for each in waiting], dtype=np.float32
        )
        if waiting:
            await vectors.store_vectors(connection, INGEST, "by hand", waiting, made)
        await refresh_statistics(connection, INGEST.team, COLLECTION, PUBLIC_WORDS)
        stretch = at("1700000000.000000"), at("1700000900.000000")
        await sync_state.cover(connection, INGEST, {"CGENERAL": stretch, "CSECRET": stretch})


class ByHand:
    """An embedder that counts the words above."""

    model, dimensions, weak = "by hand", len(WORDS), True

    async def embed(self, texts: Any, kind: str = "document") -> Any:
        import numpy as np

        return np.array([[1.0 + text.count(word) for word in WORDS] for text in texts], dtype=np.float32)

    async def close(self) -> None:
        return None


async def _answers(
    store: Store, settings: SlackSettings, callers: list[Caller]
) -> dict[tuple[Any, ...], str]:
    found = by_name(store, settings)
    return {
        (caller.kind, caller.user, name, repr(arguments)): await answer(found[name], caller, **arguments)
        for caller in callers
        for name, arguments in CALLS
    }


@pytest.fixture(autouse=True)
def _embedder(monkeypatch: pytest.MonkeyPatch) -> None:  # pyright: ignore[reportUnusedFunction]
    def create(_settings: object) -> ByHand:
        return ByHand()

    monkeypatch.setattr("rookery_core.embedders.create_embedder", create)


async def test_private_rows_change_no_byte_of_a_strangers_answer(
    ingest: Database, fill: Fill, store: Store, slack_settings: SlackSettings
) -> None:
    await fill(_public())
    await _embed(ingest)
    before = await _answers(store, slack_settings, STRANGERS)
    assert any('"results": [{' in each for each in before.values())
    assert all(
        "error" in each for key, each in before.items() if "secret" in key[3] and "in:secret" not in key[3]
    )
    for seed in range(2):
        await fill(_private(seed))
        await _embed(ingest)
        after = await _answers(store, slack_settings, STRANGERS)
        for key, each in before.items():
            assert after[key] == each, key


async def test_members_of_a_private_channel_see_it_and_lose_it_at_once(
    ingest: Database, fill: Fill, store: Store, slack_settings: SlackSettings
) -> None:
    await fill(together(_public(), _private(1)))
    found = by_name(store, slack_settings)["get_conversation"]
    bob = Caller(user="UBOB", kind="member")
    assert "the merger" in await answer(found, bob, channel="secret", limit=200, max_tokens=20000)
    assert "not_found" in await answer(found, MEMBER, channel="secret")
    await fill(Observations(members=[Membership("CSECRET", "UBOB", False, at("1750000000.000000"))]))
    assert "not_found" in await answer(found, bob, channel="secret")


async def test_a_channel_that_becomes_private_is_hidden_at_once(
    fill: Fill, store: Store, slack_settings: SlackSettings
) -> None:
    await fill(_public())
    found = by_name(store, slack_settings)
    assert "deploy" in await answer(found["get_conversation"], Caller(), channel="general", limit=100)
    await fill(Observations(channels=[ChannelFact("CGENERAL", at("1750000000.000000"), kind="private")]))
    for name, arguments in CALLS:
        assert '"CGENERAL"' not in await answer(found[name], Caller(), **arguments), name
    assert "deploy" in await answer(found["get_conversation"], MEMBER, channel="general", limit=100)


async def test_direct_messages_are_for_their_participants_and_only_when_switched_on(
    fill: Fill, open_database: Any, slack_settings: SlackSettings, store: Store
) -> None:
    await fill(together(_public(), _private(1)))
    bob = Caller(user="UBOB", kind="member")
    on = slack_settings.model_copy(update={"slack_dms": True})
    from slack_facts import OpenGate

    opened: Any = OpenGate(await open_database("rookery_slack"))
    for settings, caller, sees in ((slack_settings, bob, False), (on, bob, True), (on, MEMBER, False)):
        found = by_name(Store(opened, settings), settings)["get_conversation"]
        assert ("messages" in await answer(found, caller, channel="DBOB")) == sees


async def test_whoever_says_member_but_is_a_guest_is_a_guest(
    fill: Fill, store: Store, slack_settings: SlackSettings
) -> None:
    await fill(_public())
    found = by_name(store, slack_settings)["list_channels"]
    assert "COTHER" in await answer(found, MEMBER)
    assert "COTHER" not in await answer(found, Caller(user="UGUEST", kind="member"))
    assert "COTHER" not in await answer(found, Caller(user="UOUT", kind="member"))
    await fill(Observations(users=[_deactivated()]))
    assert "COTHER" not in await answer(found, MEMBER)


def _deactivated() -> Any:
    from dataclasses import replace

    return replace(person("UADA", "Ada").users[0], is_deactivated=True, updated=at("1750000000.000000"))


async def test_an_allow_list_narrows_what_anybody_sees(
    fill: Fill, open_database: Any, slack_settings: SlackSettings
) -> None:
    await fill(together(_public(), _private(1)))
    narrowed = slack_settings.model_copy(update={"slack_channels": ("#other",)})
    from slack_facts import OpenGate

    opened: Any = OpenGate(await open_database("rookery_slack"))
    found = by_name(Store(opened, narrowed), narrowed)
    answered = await answer(found["list_channels"], Caller(user="UBOB", kind="member"))
    assert "COTHER" in answered and "CGENERAL" not in answered and "CSECRET" not in answered


async def test_readers_cannot_reach_the_tables(store: Store) -> None:
    async with store.session(Caller()) as session:
        for table in ("messages", "message_index", "channels", "users", "raw_events"):
            with pytest.raises(Exception, match="permission denied"):
                async with session.connection.transaction():
                    await session.connection.fetch(f"select * from slack.{table}")


async def test_another_team_is_another_world(
    ingest: Database, fill: Fill, store: Store, slack_settings: SlackSettings
) -> None:
    other = Caller(team="other", kind="agent")
    async with ingest.transaction(other) as connection:
        await Writer(other).merge(connection, _public())
    found = by_name(store, slack_settings)
    for name, arguments in CALLS:
        assert "archives" not in await answer(found[name], Caller(), **arguments), name
    await fill(
        Observations(
            deletions=[MessageDeleted("CGENERAL", at("1700000000.000100"), None, at("1750000000.000000"))]
        )
    )
    async with store.session(Caller(team="other")) as session:
        assert len(await session.rows("read_messages", ["CGENERAL"], [at("1700000000.000100")])) == 1
