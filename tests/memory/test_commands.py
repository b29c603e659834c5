"""Export, import, merge and erase, through the store as the commands use it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from rookery_core.errors import InvalidInput, NotFound
from rookery_core.identity import Caller
from rookery_memory.records import Filters, NewMemory, NewTurn
from rookery_memory.store import MemoryStore
from rookery_memory.store.duplicates import find_duplicates, merge, same_statement
from rookery_memory.store.erasure import erase
from rookery_memory.store.graph_import import import_graph, read_graph
from rookery_memory.store.portability import export_scope, import_lines

SCOPE = "user:U_ADA"
GRAPH: list[dict[str, Any]] = [
    {
        "type": "entity",
        "name": "Maria",
        "entityType": "person",
        "observations": ["keeps two cats", "likes tea"],
    },
    {"type": "entity", "name": "Halden", "entityType": "company", "observations": []},
    {"type": "relation", "from": "Maria", "to": "Halden", "relationType": "works_at"},
    {"type": "relation", "from": "Maria", "to": "Unknown", "relationType": "knows"},
]


async def exported(store: MemoryStore, caller: Caller, scope: str) -> list[dict[str, Any]]:
    return [json.loads(line) async for line in export_scope(store.context, caller, scope)]


async def test_an_export_comes_back_whole_once(store: MemoryStore, ada: Caller) -> None:
    start = datetime.now(UTC) - timedelta(days=9)
    made = await store.remember(ada, NewMemory(content="Launch in May", valid_from=start, tags=["plan"]))
    await store.update(ada, made.id, {"content": "Launch in June\u2028really"}, "late")
    await store.add_turns(
        ada,
        "talk",
        [NewTurn(speaker="Ana", content="Hello?", said_at=start), NewTurn(speaker="Ben", content="Yes.")],
    )
    lines = [json.dumps(entry) for entry in await exported(store, ada, SCOPE)]
    same = await import_lines(store.context, ada, SCOPE, lines)
    assert (same.memories, same.turns, same.known) == (0, 0, 4)

    bob = Caller(user="U_BOB", kind="member")
    moved = await import_lines(store.context, bob, "user:U_BOB", lines)
    assert (moved.memories, moved.turns) == (2, 2)
    assert (await import_lines(store.context, bob, "user:U_BOB", lines)).memories == 0
    (found,) = await store.recall(bob, "when is the launch", filters=Filters(as_of=start + timedelta(days=1)))
    assert found.memory.content == "Launch in May"
    assert await store.embed_pending(bob) == 2  # the turns had theirs when they were added
    assert await store.embed_pending(bob) == 0


@pytest.mark.parametrize(
    "lines",
    [
        ["{}"],
        ["not json"],
        ['{"type":"rookery-memory","version":99}'],
        ['{"type":"rookery-memory","version":1}', '{"type":"memory"}'],
    ],
)
async def test_what_is_no_export_is_refused(store: MemoryStore, ada: Caller, lines: list[str]) -> None:
    with pytest.raises(InvalidInput, match="import"):
        await import_lines(store.context, ada, SCOPE, lines)


async def test_a_knowledge_graph_is_found_and_linked(store: MemoryStore, ada: Caller) -> None:
    report = await import_graph(store.context, ada, SCOPE, read_graph(GRAPH))
    assert (report.memories, report.links) == (7, 4)
    again = await import_graph(store.context, ada, SCOPE, read_graph(GRAPH))
    assert (again.memories, again.links, again.known) == (0, 0, 11)
    best = (await store.recall(ada, "Which animals does Maria keep?"))[0].memory
    assert best.content == "Maria: keeps two cats"
    near = (await store.related(ada, [best]))[best.id]
    assert ("about", "Maria (person)") in [(relation, memory.content) for relation, memory in near]
    with pytest.raises(InvalidInput, match="line 1"):
        read_graph([{"type": "other"}])
    with pytest.raises(InvalidInput, match=r"line 2: observations is not a list"):
        read_graph([GRAPH[1], {**GRAPH[0], "observations": "keeps two cats"}])


async def test_near_duplicates_merge_and_keep_where_they_came_from(store: MemoryStore, ada: Caller) -> None:
    first = await store.remember(ada, NewMemory(content="Maria keeps two cats at home", source="https://a"))
    second = await store.remember(
        ada, NewMemory(content="Maria keeps two cats at home now", source="https://b", tags=["pets"])
    )
    await store.remember(ada, NewMemory(content="Maria keeps 3 cats at home"))
    (group,) = await find_duplicates(store.context, ada, SCOPE)
    assert await merge(store.context, ada, [group]) == 1
    kept = {memory.id: memory for memory in await store.list_memories(ada)}
    assert set(kept) & {first.id, second.id} == {group.kept.id}
    survivor = kept[group.kept.id]
    assert survivor.tags == ["pets"]
    assert {entry["source"] for entry in survivor.provenance} | {survivor.source} == {
        "https://a",
        "https://b",
    }
    assert await find_duplicates(store.context, ada, SCOPE) == []


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("The port is 5432", "the port is: 5432", True),
        ("The port is 5432", "The port is 5433", False),
        ("Maria eats meat", "Maria does not eat meat", False),
        ("Maria owns the billing service.", "Maria owns the billing services", True),
        ("Maria reviews what Paul writes", "Paul reviews what Maria writes", False),
        ("The glass is full of air", "The glas is full of air", False),
        ("", "the", False),
        ("alpha", "omega", False),
    ],
)
def test_what_says_the_same(one: str, other: str, same: bool) -> None:
    assert same_statement(one, other) == same


async def test_erasing_leaves_nothing_but_a_receipt(store: MemoryStore, ada: Caller) -> None:
    made = await store.remember(ada, NewMemory(content="secret one"))
    await store.update(ada, made.id, {"content": "secret two"}, "changed")
    await store.remember(ada, NewMemory(content="ours"), "team")
    await store.add_turns(ada, "talk", [NewTurn(speaker="a", content="secret three")])
    one = await erase(store.context, ada, SCOPE, ids=[made.id], reason="asked for")
    assert (one.memories, one.versions, one.turns) == (1, 2, 0)
    rest = await erase(store.context, ada, SCOPE)
    assert (rest.turns, rest.remaining) == (1, 0)
    assert [entry["type"] for entry in await exported(store, ada, SCOPE)] == ["rookery-memory"]
    assert [memory.content for memory in await store.list_memories(ada)] == ["ours"]
    async with store.context.database.transaction(ada) as conn:
        assert await conn.fetchval("select count(*) from memory.erasure") == 2


async def test_no_receipt_is_given_for_what_was_never_there(store: MemoryStore, ada: Caller) -> None:
    """A mistyped name would be taken for erased."""
    made = await store.remember(ada, NewMemory(content="secret"))
    ours = await store.remember(ada, NewMemory(content="ours"), "team")
    await store.add_turns(ada, "talk", [NewTurn(speaker="a", content="secret")])
    with pytest.raises(NotFound, match=str(ours.id)):
        await erase(store.context, ada, SCOPE, ids=[made.id, ours.id])
    with pytest.raises(NotFound) as raised:
        await erase(store.context, ada, SCOPE, conversation="talc")
    assert raised.value.candidates == ("talk",)
    assert {memory.content for memory in await store.list_memories(ada)} == {"secret", "ours"}
    async with store.context.database.transaction(ada) as conn:
        assert await conn.fetchval("select count(*) from memory.erasure") == 0
    assert (await erase(store.context, ada, SCOPE, conversation="talk")).turns == 1
