"""search.document, search.query_lexemes and search.bm25: one road for documents and queries, for any text."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rookery_core.ranking import fold, is_clipped, prepare_query, refresh_statistics, searchable

if TYPE_CHECKING:
    import asyncpg

Connection = "asyncpg.Connection[Any]"

PAIRS = [
    ("runs", "She was running to the harbour"),
    ("遅い", "昨日から動きが遅いです"),
    ("猫", "この家には黒猫がいる"),
    ("C++", "We write c++ and a little C"),
    ("c#", "ported from C# last year"),
    ("40P01", "deadlock detected (SQLSTATE 40P01)"),
    ("pg_stat_statements", "look into pg_stat_statements first"),
    ("statements", "look into pg_stat_statements first"),
    ("configuration", "see https://docs.example.org/en/configuration.html"),
    ("--force", "push with --force if you must"),
    ("->", "use data->'key'"),
    (".net", "a .NET service"),
    ("to be or not to be", "To be, or not to be"),
    ("The Who", "we saw The Who in concert"),
    ("cafe", "the café at noon"),
    ("café", "the cafe at noon"),
    ("Wroclaw", "the train to Wrocław"),
    ("Łódź", "the train to Lodz"),
    ("Strasse", "in der Straße"),
    ("straße", "in der STRASSE"),
    ("Istanbul", "from İstanbul"),
    ("Diyarbakir", "from Diyarbakır"),
    ("smorrebrod", "smørrebrød for lunch"),
    ("Dakovo", "on the way to Đakovo"),
    ("aether", "the æther"),
    ("ＡＢＣ", "abc in full width"),
    ("สวัสดี", "เขาพูดว่าสวัสดีครับ"),
    ("🎉", "done 🎉"),
    ("O'Brien", "Mr O'Brien's desk"),
    ("don’t", "I don't know"),
]


async def matches(connection: asyncpg.Connection[Any], query: str, text: str) -> bool:
    return await connection.fetchval(
        "select coalesce(search.document($2) @@ search.any_of(array(select search.term(lexeme, prefix) "
        "from search.query_lexemes($1))), false)",
        query,
        text,
    )


async def test_what_is_asked_is_found(owner_connection: asyncpg.Connection[Any]) -> None:
    missed = [pair for pair in PAIRS if not await matches(owner_connection, *pair)]
    assert missed == []


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25, deadline=None)
@given(texts=st.lists(st.text() | st.text("łŁøØđÐħŧıßẞæŒþéÅİ ABc\u0301"), min_size=20, max_size=20))
async def test_python_and_sql_fold_letters_alike(
    owner_connection: asyncpg.Connection[Any], texts: list[str]
) -> None:
    plain = [searchable(text) for text in texts]
    folded = await owner_connection.fetchval(
        "select array_agg(search.folded(t) order by n) from unnest($1::text[]) with ordinality as u (t, n)",
        plain,
    )
    assert folded == [fold(text) for text in plain]


async def test_vectors_made_before_are_folded(owner_connection: asyncpg.Connection[Any]) -> None:
    """What the migrations do to rows that were indexed with the old letters."""
    old = "'łodz':1 'straß':2 'straße':2"
    assert await owner_connection.fetchval("select search.has_other_letters($1::text::tsvector)", old)
    folded = await owner_connection.fetchval("select search.refolded($1::text::tsvector)::text", old)
    assert folded == "'lodz':1 'strass':2 'strasse':2"


async def test_symbols_tell_languages_apart(owner_connection: asyncpg.Connection[Any]) -> None:
    score = "select search.bm25(search.document($1), array[search.term('c++')], array[1::real], 5)"
    assert await owner_connection.fetchval(score, "C++ code") > 0
    assert await owner_connection.fetchval(score, "C code") == 0


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.one_of(st.text(st.characters(), max_size=300), st.text("&|!:*()'\"\\<-> a", max_size=80)))
async def test_no_text_is_an_error_and_a_text_finds_itself(
    owner_connection: asyncpg.Connection[Any], text: str
) -> None:
    clean = searchable(text)
    lexemes = await owner_connection.fetch("select * from search.query_lexemes($1)", clean)
    assert len(lexemes) <= 64
    if lexemes:
        assert await matches(owner_connection, clean, clean)
    assert await prepare_query(owner_connection, "default", "nothing", text) is not None or not lexemes
    await owner_connection.fetchval("select search.phrases($1)", clean)


@pytest.mark.parametrize(
    "query", ["", "a", "?", "x" * 10_000, "word " * 2_000, "\0", "'", "漢" * 10_000, "\ud800"]
)
async def test_queries_at_the_edges(owner_connection: asyncpg.Connection[Any], query: str) -> None:
    await prepare_query(owner_connection, "default", "nothing", query)


async def test_a_huge_text_is_indexed_up_to_a_limit_and_says_so(
    owner_connection: asyncpg.Connection[Any],
) -> None:
    texts = {
        "words": " ".join(f"w{number}ing" for number in range(60_000)),
        "wide": "".join(chr(0x4E00 + number * 7919 % 20_000) for number in range(150_000)),
        "far planes": "".join(chr(0x20000 + number % 40_000) for number in range(120_000)),
        "symbols": " ".join(f"a{number}.b{number}" for number in range(40_000)),
        "letters": " ".join(
            chr(0x10A0 + number % 80) + chr(0x0561 + number // 80 % 38) for number in range(60_000)
        ),
    }
    for text in texts.values():
        assert is_clipped(text)
        assert await owner_connection.fetchval("select pg_column_size(search.document($1)) > 1000", text)
    assert not is_clipped("short")
    assert not is_clipped("漢" * 60_000)


async def test_term_frequency_is_exact(owner_connection: asyncpg.Connection[Any]) -> None:
    rows = await owner_connection.fetch(
        "select n, search.term_frequency(to_tsvector('simple', repeat('foo bar ', n)), 'foo') as found "
        "from generate_series(0, 250) as n"
    )
    assert [row["n"] for row in rows] == [row["found"] for row in rows]


async def test_bm25_is_bm25(owner_connection: asyncpg.Connection[Any]) -> None:
    found = await owner_connection.fetchval(
        "select search.bm25(to_tsvector('simple', 'a b b c'), array['b', 'z']::tsquery[], array[2, 5]::real[], 4)"
    )
    k1, b, length = 1.2, 0.75, 3
    expected = 2 * 2 * (k1 + 1) / (2 + k1 * (1 - b + b * length / 4))
    assert math.isclose(found, expected, rel_tol=1e-5)


async def test_statistics_weigh_rare_words_and_pick_candidates(
    owner_connection: asyncpg.Connection[Any],
) -> None:
    await owner_connection.execute(
        "create table public.page (team text, document tsvector);"
        "insert into page select 'default', search.document('common word ' || n || case when n = 7 then ' rare' else '' end)"
        " from generate_series(1, 200) as n;"
        "insert into page select 'other', search.document('rare') from generate_series(1, 50)"
    )
    counted = await refresh_statistics(
        owner_connection, "default", "pages", "select document from public.page where team = $1"
    )
    assert counted == 200
    prepared = await prepare_query(owner_connection, "default", "pages", 'common rare "common word"', pool=20)
    assert prepared is not None
    weights = dict(zip(prepared.terms, prepared.weights, strict=True))
    assert weights["'rare'"] > 5 * weights["'common'"]
    assert prepared.candidates == "'rare'"
    assert prepared.phrases == "'common' <-> 'word'"
    ranked = await owner_connection.fetchval(
        "select count(*) from page where team = 'default' and document @@ $1::tsquery", prepared.candidates
    )
    assert ranked == 1


async def test_serving_roles_may_read_and_only_ingest_may_write(open_database: Any) -> None:
    from rookery_core.errors import RookeryError

    for role in ("rookery_slack", "rookery_docs", "rookery_memory"):
        database = await open_database(role)
        async with database.acquire() as conn:
            assert await prepare_query(conn, "default", "x", "a query") is not None
            with pytest.raises(Exception, match="permission denied") as raised:
                await refresh_statistics(conn, "default", "x", "select search.document('a') where 'a' <> $1")
            assert not isinstance(raised.value, RookeryError)
    database = await open_database("rookery_ingest")
    async with database.acquire() as conn:
        assert (
            await refresh_statistics(conn, "default", "x", "select search.document('a') where 'a' <> $1") == 1
        )
