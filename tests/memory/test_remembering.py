from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from rookery_core.errors import InvalidInput, NotAllowed, NotFound
from rookery_core.identity import Caller
from rookery_memory.records import Filters, NewMemory, new_id
from rookery_memory.store import MemoryStore
from rookery_memory.store.search import staying_power

NOW = datetime.now(UTC)


async def contents(
    store: MemoryStore, caller: Caller, query: str, filters: Filters | None = None
) -> list[str]:
    return [one.memory.content for one in await store.recall(caller, query, filters=filters)]


async def test_what_is_remembered_is_recalled_by_words_and_by_meaning(
    store: MemoryStore, ada: Caller
) -> None:
    await store.remember(ada, NewMemory(content="The deploy runs on Fridays at noon", tags=["Ops"]))
    await store.remember(ada, NewMemory(content="Maria keeps two cats at home"))
    assert (await contents(store, ada, "when does the deploy run?"))[0].startswith("The deploy")
    assert (await contents(store, ada, "whose pets are kittens"))[0].startswith("Maria")
    assert (await contents(store, ada, "ops"))[0].startswith("The deploy")


async def test_the_same_again_enriches_and_keeps_both_sources(store: MemoryStore, ada: Caller) -> None:
    first = await store.remember(
        ada, NewMemory(content="Invoices are due in 30 days", source="https://a", tags=["x"])
    )
    again = await store.remember(
        ada, NewMemory(content="invoices are  due in 30 days", source="https://b", tags=["y"], importance=0.9)
    )
    assert (again.id, again.duplicate) == (first.id, True)
    (memory,) = await store.list_memories(ada)
    assert (memory.tags, memory.source) == (["x", "y"], "https://a")
    assert memory.importance == pytest.approx(0.9)
    assert [entry["source"] for entry in memory.provenance] == ["https://b"]


async def test_a_newer_fact_supersedes_and_the_old_one_keeps_its_interval(
    store: MemoryStore, ada: Caller
) -> None:
    old = await store.remember(
        ada, NewMemory(content="Maria lives in Oslo", valid_from=NOW - timedelta(days=300))
    )
    moved = NOW - timedelta(days=30)
    first = await store.remember(ada, NewMemory(content="Maria now lives in Lisbon", valid_from=moved))
    assert first.similar[0].memory.id == old.id
    new = await store.remember(
        ada, NewMemory(content="Maria lives in Lisbon, Alfama", valid_from=moved, replaces=[old.id, first.id])
    )
    assert set(new.superseded) == {old.id, first.id}
    assert await contents(store, ada, "Where does Maria live?") == ["Maria lives in Lisbon, Alfama"]
    before = Filters(as_of=NOW - timedelta(days=100))
    assert await contents(store, ada, "Where does Maria live?", before) == ["Maria lives in Oslo"]
    (kept,) = await store.history(ada, old.id)
    assert (kept.valid_until, kept.superseded_by) == (moved, new.id)


async def test_an_update_makes_a_version_and_as_of_finds_the_one_before(
    store: MemoryStore, ada: Caller
) -> None:
    start = NOW - timedelta(days=10)
    made = await store.remember(ada, NewMemory(content="The launch is on 1 May", valid_from=start))
    changed = await store.update(ada, made.id, {"content": "The launch is on 1 June"}, "postponed")
    assert (changed.version, changed.reason) == (2, "postponed")
    assert await contents(store, ada, "when is the launch") == ["The launch is on 1 June"]
    earlier = Filters(as_of=NOW - timedelta(days=5))
    assert await contents(store, ada, "when is the launch", earlier) == ["The launch is on 1 May"]
    pinned = await store.update(ada, made.id, {"pinned": True}, "important")
    assert pinned.valid_from == changed.valid_from
    assert [one.version for one in await store.history(ada, made.id)] == [3, 2, 1]
    with pytest.raises(InvalidInput, match="must change something"):
        await store.update(ada, made.id, {"pinned": True}, "again")


async def test_forgotten_expired_and_future_memories_are_not_found(store: MemoryStore, ada: Caller) -> None:
    gone = await store.remember(ada, NewMemory(content="harbour one"))
    await store.remember(ada, NewMemory(content="harbour two", expires_at=NOW - timedelta(minutes=1)))
    await store.remember(ada, NewMemory(content="harbour three", valid_from=NOW + timedelta(days=1)))
    await store.remember(ada, NewMemory(content="harbour four"))
    assert await store.forget(ada, [gone.id], "wrong") == [gone.id]
    assert await contents(store, ada, "harbour") == ["harbour four"]
    assert [one.content for one in await store.list_memories(ada)] == ["harbour four"]
    with pytest.raises(NotFound):
        await store.history(ada, gone.id)
    with pytest.raises(NotFound):
        await store.forget(ada, [gone.id, new_id()], "again")
    again = await store.remember(ada, NewMemory(content="harbour one"))
    assert not again.duplicate


async def test_filters_narrow(store: MemoryStore, ada: Caller) -> None:
    old = NOW - timedelta(days=2000)
    await store.remember(
        ada, NewMemory(content="crane manual", kind="decision", tags=["dock"], valid_from=old)
    )
    await store.remember(ada, NewMemory(content="crane handbook", importance=1.0, valid_from=old))
    assert await contents(store, ada, "crane", Filters(kinds=["decision"])) == ["crane manual"]
    assert await contents(store, ada, "crane", Filters(tags=["dock"])) == ["crane manual"]
    assert await contents(store, ada, "crane", Filters(minimum_importance=0.9)) == ["crane handbook"]
    assert await contents(store, ada, "crane", Filters(since=NOW)) == []


async def test_age_fades_within_bounds_and_a_pin_holds(store: MemoryStore, ada: Caller) -> None:
    for number, new in enumerate(
        (
            NewMemory(content="now"),
            NewMemory(content="old", valid_from=NOW - timedelta(days=4000)),
            NewMemory(content="old but important", valid_from=NOW - timedelta(days=4000), importance=1.0),
            NewMemory(content="old but pinned", valid_from=NOW - timedelta(days=4000), pinned=True),
        )
    ):
        assert not (await store.remember(ada, new)).duplicate, number
    power = {one.content: staying_power(one, NOW) for one in await store.list_memories(ada)}
    assert 0.85 <= power["old"] < power["now"] < 1
    assert power["old"] < power["old but important"] < power["old but pinned"] == 1


async def test_related_are_those_of_the_same_source(store: MemoryStore, ada: Caller) -> None:
    one = await store.remember(ada, NewMemory(content="first of the page", source="https://page"))
    two = await store.remember(ada, NewMemory(content="second of the page", source="https://page"))
    memories = {memory.id: memory for memory in await store.list_memories(ada)}
    near = await store.related(ada, [memories[one.id]])
    assert [(relation, memory.id) for relation, memory in near[one.id]] == [("same source", two.id)]


async def test_scopes_follow_from_the_caller(store: MemoryStore, ada: Caller) -> None:
    assert (await store.remember(ada, NewMemory(content="mine"))).scope == "user:U_ADA"
    assert (await store.remember(ada, NewMemory(content="ours"), "team")).scope == "team"
    assert (await store.remember(ada, NewMemory(content="crane here"), "channel")).scope == "channel:C1"
    for refused in ("agent", "local"):
        with pytest.raises(NotAllowed, match="not open"):
            await store.remember(ada, NewMemory(content="x"), refused)
    assert (await store.remember(Caller(), NewMemory(content="anybody's"))).scope == "local"
    guest = Caller(user="U_G", kind="guest", channel="C1")
    assert await contents(store, guest, "mine ours crane") == ["crane here"]
    with pytest.raises(NotAllowed):
        await store.remember(guest, NewMemory(content="x"), "team")


@pytest.mark.parametrize(
    "bad",
    [
        NewMemory(content="  \0 "),
        NewMemory(content="x" * 20_001),
        NewMemory(content="x", tags=["t" * 65]),
        NewMemory(content="x", importance=2),
        NewMemory(content="x", valid_from=NOW, valid_until=NOW),
    ],
)
async def test_what_cannot_be_stored_is_refused(store: MemoryStore, ada: Caller, bad: NewMemory) -> None:
    with pytest.raises(InvalidInput):
        await store.remember(ada, bad)
    assert await store.list_memories(ada) == []


async def test_two_memories_cannot_become_the_same(store: MemoryStore, ada: Caller) -> None:
    await store.remember(ada, NewMemory(content="one"))
    two = await store.remember(ada, NewMemory(content="two"))
    with pytest.raises(InvalidInput, match="another memory"):
        await store.update(ada, two.id, {"content": "One"}, "typo")
    assert [one.version for one in await store.history(ada, two.id)] == [1]


async def test_bulk_and_large_scopes_rank_the_same_way(store: MemoryStore, ada: Caller) -> None:
    news = [
        NewMemory(content=f"note {number} about topic{number % 50} and word{number}")
        for number in range(2300)
    ]
    assert len(await store.remember_many(ada, news)) == 2300
    assert (await contents(store, ada, "what about word1234?"))[0].startswith("note 1234 ")
    assert await store.tend(ada) == ["user:U_ADA"]
    assert (await contents(store, ada, "what about word1234?"))[0].startswith("note 1234 ")
    assert await store.remember_many(ada, news[:3]) == []


async def test_nothing_is_recalled_for_what_nothing_fits(store: MemoryStore, ada: Caller) -> None:
    rooms = [NewMemory(content=f"Room {number} has {number} chairs") for number in range(25)]
    await store.remember_many(ada, [NewMemory(content="Maria keeps two cats at home"), *rooms])
    assert (await contents(store, ada, "Maria's cats"))[0].startswith("Maria")
    assert await contents(store, ada, "zzqqxx wub") == []
    assert await contents(store, ada, "Which volcano erupted in Peru?") == []


async def test_only_what_is_similar_is_named_as_similar(store: MemoryStore, ada: Caller) -> None:
    await store.remember(ada, NewMemory(content="Maria lives in Oslo"))
    await store.remember(ada, NewMemory(content="Invoices are due in 30 days"))
    done = await store.remember(ada, NewMemory(content="Maria lives in Bergen"))
    assert [one.memory.content for one in done.similar] == ["Maria lives in Oslo"]
