"""No sequence of calls by one caller returns another scope's row: in tools' answers, in SQL, in scores and errors."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rookery_core.errors import RookeryError
from rookery_core.identity import Caller
from rookery_memory.records import Filters, NewMemory, NewTurn
from rookery_memory.scopes import ScopeName, readable_scopes
from rookery_memory.store import MemoryStore

if TYPE_CHECKING:
    import asyncpg

CALLERS = [
    Caller(),
    Caller(user="U1", kind="member", channel="C1"),
    Caller(user="U2", kind="member", channel="C1"),
    Caller(user="U2", kind="member", channel="C3", room="public"),
    Caller(user="U1", kind="member", channel="C4", room="shared"),
    Caller(user="U1", kind="member", channel="C5", room="direct"),
    Caller(user="U1", kind="guest", channel="C2"),
    Caller(user="U3", kind="outsider", channel="C1"),
    Caller(kind="agent", channel="C2"),
    Caller(team="other", user="U1", kind="member", channel="C1"),
    Caller(team="other"),
]
TABLES = (
    "memory", "embedding", "link", "conversation", "turn", "turn_embedding", "scope_statistics", "lexeme", "erasure",
)  # fmt: skip
WORDS = ["harbour", "crane", "boat", "anchor"]
calls = st.lists(
    st.tuples(
        st.integers(0, len(CALLERS) - 1),
        st.sampled_from(["remember", "turns", "update", "forget", "replace"]),
        st.sampled_from(WORDS),
        st.integers(0, 3),
    ),
    min_size=1,
    max_size=12,
)


def marked(caller: Caller, scope: str, word: str) -> str:
    return f"{word} of <{caller.team}/{scope}>"


async def act(store: MemoryStore, known: list[Any], call: tuple[int, str, str, int]) -> None:
    number, what, word, nth = call
    caller = CALLERS[number]
    own = readable_scopes(caller)
    scope = own[nth % len(own)]
    name: Any = scope.partition(":")[0]
    text = marked(caller, scope, word)
    target = known[nth % len(known)] if known else None
    try:
        if what == "remember":
            known.append((await store.remember(caller, NewMemory(content=text, source=text), name)).id)
        elif what == "turns":
            await store.add_turns(
                caller, "talk", [NewTurn(speaker=f"s{number}", content=text, id=word)], name
            )
        elif what == "replace" and target:
            await store.remember(caller, NewMemory(content=text, replaces=[target]), name)
        elif what == "update" and target:
            (old, *_) = await store.history(caller, target)
            await store.update(caller, target, {"content": marked(caller, old.scope, word)}, "changed")
        elif what == "forget" and target:
            await store.forget(caller, [target], "unwanted")
    except RookeryError as error:
        assert_own(caller, [str(error)])


def assert_own(caller: Caller, texts: list[str]) -> None:
    allowed = {f"<{caller.team}/{scope}>" for scope in readable_scopes(caller)}
    for text in texts:
        if "<" in text:
            assert text[text.index("<") : text.index(">") + 1] in allowed, (caller, text)


async def everything_seen(store: MemoryStore, caller: Caller) -> list[str]:
    seen: list[str] = []
    for filters in (Filters(), Filters(kinds=["fact"])):
        for word in WORDS:
            for one in await store.recall(caller, word, filters=filters, limit=50):
                seen += [one.memory.content, str(one.memory.provenance)]
    listed = await store.list_memories(caller, limit=100)
    seen += [one.content for one in listed]
    for near in (await store.related(caller, listed)).values():
        seen += [memory.content for _, memory in near]
    for one in await store.recall_conversation(caller, "harbour crane boat", limit=50, around=3):
        seen += [turn.content for turn in (one.turn, *one.before, *one.after)]
        seen += [fact.content for fact in one.facts]
    return seen + await word_for_word(store, caller)


async def word_for_word(store: MemoryStore, caller: Caller) -> list[str]:
    """What the resource of turns reads, of every kind of scope, also those that are not the caller's."""
    seen: list[str] = []
    names: list[ScopeName] = ["local", "user", "channel", "team", "agent"]
    for name in names:
        try:
            seen += [turn.content for turn in await store.read_turns(caller, name, "talk", 0, 99)]
        except RookeryError as error:
            assert name not in [scope.partition(":")[0] for scope in readable_scopes(caller)], error
            seen.append(str(error))
    return seen


@pytest.mark.slow
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(sequence=calls)
async def test_no_sequence_of_calls_shows_another_scope(store: MemoryStore, sequence: list[Any]) -> None:
    known: list[Any] = []
    for call in sequence:
        await act(store, known, call)
    for caller in CALLERS:
        assert_own(caller, await everything_seen(store, caller))


async def fill(store: MemoryStore) -> None:
    for caller in CALLERS:
        for scope in readable_scopes(caller):
            name: Any = scope.partition(":")[0]
            await store.remember(caller, NewMemory(content=marked(caller, scope, "harbour")), name)
            await store.add_turns(
                caller, "talk", [NewTurn(speaker="s", content=marked(caller, scope, "crane"))], name
            )


async def test_the_serving_role_sees_its_caller_s_rows_only(store: MemoryStore) -> None:
    await fill(store)
    database = store.context.database
    async with database.acquire() as conn:  # nobody asks
        for table in TABLES:
            assert await conn.fetchval(f"select count(*) from memory.{table}") == 0, table
        assert (
            await conn.fetch(
                "select * from memory.lexical_hits(null, array['harbour'::tsquery], 'harbour', null, 9)"
            )
            == []
        )
    for caller in CALLERS:
        async with database.transaction(caller) as conn:
            for table in ("memory", "embedding", "turn", "turn_embedding", "conversation"):
                rows = await conn.fetch(f"select distinct team, scope from memory.{table}")
                assert {tuple(row.values()) for row in rows} == {
                    (caller.team, scope) for scope in readable_scopes(caller)
                }, table


async def test_no_argument_of_a_search_function_widens_it(store: MemoryStore) -> None:
    await fill(store)
    eve = Caller(user="U9", kind="member")
    async with store.context.database.transaction(eve, readonly=True) as conn:
        asked = ["user:U1", "team", "local", "channel:C1"]
        hits = await conn.fetch(
            "select m.content from memory.lexical_hits($1, array['harbour'::tsquery], 'harbour', null, 99) as hit "
            "join memory.memory as m using (id, version)",
            asked,
        )
        assert {row[0] for row in hits} == {"harbour of <default/team>"}
        assert await conn.fetchval(
            "select count(*) from memory.lexical_hits($1, array['harbour'::tsquery], 'harbour', null, 99)",
            asked,
        ) == len(hits)
        assert await conn.fetchval("select memory.count_searched($1, 99)", asked) == len(hits)
        zero = [0.1] * 256
        for function in ("semantic_hits", "nearest_hits"):
            near = await conn.fetch(
                f"select id from memory.{function}($1, $2, $3, null, 99)", asked, store.context.model, zero
            )
            assert len(near) == len(hits)
        turns = await conn.fetch(
            "select scope from memory.turn_hits($1, null, array['crane'::tsquery], 'crane', null, null, 99)",
            asked,
        )
        assert {row[0] for row in turns} == {"team"}


async def test_writing_into_another_scope_is_refused_by_the_database(store: MemoryStore) -> None:
    eve = Caller(user="U9", kind="member")
    for team, scope in (("default", "user:U1"), ("default", "agent"), ("other", "user:U9")):
        with pytest.raises(Exception, match="row-level security"):
            async with store.context.database.transaction(eve) as conn:
                await conn.execute(
                    "insert into memory.conversation (team, scope, id) values ($1, $2, 'planted')",
                    team,
                    scope,
                )
    await fill(store)
    async with store.context.database.transaction(eve) as conn:
        assert (
            await conn.execute("update memory.memory set content = 'x' where scope = 'user:U1'") == "UPDATE 0"
        )
        assert await conn.execute("delete from memory.turn where scope <> 'team'") == "DELETE 0"


async def test_others_memories_change_no_score_count_id_or_error(store: MemoryStore) -> None:
    """A caller's answers are the same, number for number, whatever others have stored."""
    ann = Caller(user="U_ANN", kind="guest", channel="C9")
    made = [
        await store.remember(ann, NewMemory(content=text, conversation="talk", turns=["1"]))
        for text in ("the red boat", "a crane in the harbour", "anchor")
    ]
    await store.add_turns(ann, "talk", [NewTurn(speaker="s", content="the boat left the harbour", id="1")])

    async def answers() -> list[Any]:
        found = await store.recall(ann, "boat harbour")
        turns = await store.recall_conversation(ann, "boat harbour")
        try:
            await store.recall_conversation(ann, "x", conversation="private")
        except RookeryError as error:
            failed = error.as_answer()
        else:
            raise AssertionError("found what is not hers")
        similar = (await store.remember(ann, NewMemory(content="the red boat"))).similar
        return [
            [(one.memory.id, round(one.score, 9), one.words, one.meaning) for one in found],
            [(one.turn.position, one.score, len(one.facts)) for one in turns],
            failed,
            [(one.memory.id, one.score) for one in similar],
        ]

    moment = (await store.history(ann, made[0].id))[0].recorded_at
    before = await answers()
    for caller in CALLERS:
        for word in ("boat", "harbour", "the red boat"):
            await store.remember(caller, NewMemory(content=word))
        await store.add_turns(caller, "private", [NewTurn(speaker="s", content="boat harbour", id="1")])
    after = await answers()
    assert [row[:1] for row in after[0]] == [row[:1] for row in before[0]]
    assert [row[1:] for row in after[0]] == [pytest.approx(row[1:], abs=1e-6) for row in before[0]]
    assert after[1:3] == before[1:3]
    assert [row[0] for row in after[3]] == [row[0] for row in before[3]]
    assert moment


async def test_row_security_costs_search_nothing(
    store: MemoryStore, ada: Caller, owner_connection: asyncpg.Connection[Any]
) -> None:
    """The search functions read by the index of words, which the policy would forbid."""
    await asyncio.gather(
        *(
            store.remember_many(
                Caller(user=f"U{number}", kind="member"),
                [NewMemory(content=f"note {at} of {number} about word{at}") for at in range(200)],
                embed=False,
            )
            for number in range(6)
        )
    )
    await owner_connection.execute("analyze memory.memory")
    await owner_connection.execute("set enable_seqscan = off")  # so few rows are read whole on some servers
    plan = await owner_connection.fetch(
        "explain select id from memory.memory where scope = any (array['user:U1']) and document @@ 'word7'::tsquery"
    )
    assert any("memory_words" in row[0] or "memory_listing" in row[0] for row in plan), plan


ROOMS: list[tuple[Caller, set[str]]] = [
    (Caller(user="U1", kind="member"), {"user:U1", "team"}),
    (Caller(user="U1", kind="member", channel="C1", room="direct"), {"user:U1", "team", "channel:C1"}),
    (Caller(user="U1", kind="member", channel="C1", room="private"), {"team", "channel:C1"}),
    (Caller(user="U1", kind="member", channel="C1", room="public"), {"team", "channel:C1"}),
    (Caller(user="U1", kind="member", channel="C1", room="guests"), {"channel:C1"}),
    (Caller(user="U1", kind="member", channel="C1", room="shared"), {"channel:C1"}),
    (Caller(user="U1", kind="member", room="shared"), set()),
    (Caller(user="U1", kind="guest", channel="C1", room="direct"), {"user:U1", "channel:C1"}),
    (Caller(user="U1", kind="guest", channel="C1", room="guests"), {"channel:C1"}),
    (Caller(user="U1", kind="outsider", channel="C1", room="shared"), {"channel:C1"}),
    (Caller(kind="agent", channel="C1", room="public"), {"agent", "team", "channel:C1"}),
    (Caller(kind="agent", channel="C1", room="shared"), {"channel:C1"}),
    (Caller(), {"local"}),
]


@pytest.mark.parametrize(("caller", "theirs"), ROOMS)
async def test_a_room_opens_the_scopes_that_it_may_read(
    open_database: Any, caller: Caller, theirs: set[str]
) -> None:
    """In the library and in the database alike."""
    memory_database = await open_database("rookery_memory")
    assert set(readable_scopes(caller)) == theirs
    async with memory_database.transaction(caller, readonly=True) as connection:
        assert set(await connection.fetchval("select memory.readable_scopes()")) == theirs
