"""Search: finds, narrows, pages, never fails, and goes through the index as the serving role."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

import pytest

from rookery_core.identity import Caller
from rookery_core.ranking import refresh_statistics
from rookery_slack.observations import Observations, Reaction
from rookery_slack.search import candidate_lists, candidate_queries
from rookery_slack.search.filters import SearchFilter
from rookery_slack.settings import SlackSettings
from rookery_slack.store import COLLECTION, PUBLIC_WORDS
from rookery_slack.store.session import Store
from slack_calls import answer, by_name
from slack_facts import INGEST, at, channel, person, said, together

if TYPE_CHECKING:
    from rookery_core.database import Database

Fill = Callable[[Observations], Awaitable[None]]


def _workspace() -> Observations:
    return together(
        channel("CGENERAL", "general", members=("UADA",)),
        channel("CRANDOM", "random"),
        person("UADA", "Ada", tz="Europe/Berlin"),
        person("UBOB", "Bob"),
        said("CGENERAL", "1700000000.000100", "How do I find slow queries?", "UADA"),
        said("CGENERAL", "1700000060.000100", "pg_stat_statements, sorted by total time", "UBOB"),
        said("CGENERAL", "1700003000.000100", "C++ and 40P01 deadlocks <https://x.example>", "UBOB"),
        said("CGENERAL", "1700003001.000100", "in a thread about lunch", "UADA", thread="1700003000.000100"),
        said("CRANDOM", "1700009000.000100", "動きが遅いです", "UADA"),
        said("CRANDOM", "1700009001.000100", "slow lunch", "UBOB", files=[{"id": "F1", "name": "menu.pdf"}]),
    )


@pytest.fixture
def search(store: Store, slack_settings: SlackSettings) -> Callable[..., Awaitable[dict[str, Any]]]:
    tool = by_name(store, slack_settings)["search_messages"]

    async def run(query: str, caller: Caller | None = None, **arguments: Any) -> dict[str, Any]:
        return json.loads(await answer(tool, caller or Caller(), query=query, **arguments))

    return run


def _with_sizes(monkeypatch: pytest.MonkeyPatch, **sizes: int) -> None:
    for name, value in sizes.items():
        for module in (candidate_lists, candidate_queries):
            monkeypatch.setattr(module, name, value, raising=False)


def _texts(found: dict[str, Any]) -> list[str]:
    return [hit["text"].split("\n")[1] for hit in found["results"]]


async def test_finds_by_words_of_any_kind(fill: Fill, search: Any) -> None:
    await fill(_workspace())
    assert "slow queries" in _texts(await search("slow query"))[0]
    assert "pg_stat_statements" in " ".join(_texts(await search("how to find slow queries")))
    assert "40P01" in _texts(await search("40P01"))[0]
    assert "C++" in _texts(await search("C++"))[0]
    assert "遅い" in _texts(await search("遅い"))[0]
    assert "slow queries" in _texts(await search("how do I"))[0]
    assert "menu.pdf" in json.dumps(await search("menu"))
    hit = (await search("deadlocks"))["results"][0]
    assert hit["permalink"].endswith("/archives/CGENERAL/p1700003000000100") and hit["reply_count"] == 1


async def test_a_narrow_search_does_without_what_is_rare_elsewhere(
    fill: Fill, search: Any, ingest: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Candidates are those with the rarest words; in a quiet channel these may not occur at all."""
    _with_sizes(monkeypatch, WORD_POOL=5)
    busy = [said("CBUSY", f"17000000{n:02d}.000100", "zebra" if n < 3 else "deploy") for n in range(40)]
    quiet = said("CQUIET", "1700000099.000100", "deploy on friday")
    await fill(together(channel("CBUSY", "busy"), channel("CQUIET", "quiet"), *busy, quiet))
    async with ingest.transaction(INGEST) as connection:
        await refresh_statistics(connection, INGEST.team, COLLECTION, PUBLIC_WORDS)
    for narrowed in ({"channels": ["quiet"]}, {"after": "2023-11-14T22:14:59Z"}):
        found = await search("zebra deploy", mode="keyword", **narrowed)
        assert _texts(found) == ["deploy on friday"], narrowed


@pytest.mark.parametrize(
    ("query", "finds_both"),
    [
        ("deploy friday", True),
        ("friday deploy!", True),
        ("deploy", False),
        ("'deploy' | (friday & xyzzy", False),
    ],
)
async def test_words_that_are_all_common_are_looked_for_together(
    fill: Fill,
    search: Any,
    ingest: Database,
    monkeypatch: pytest.MonkeyPatch,
    query: str,
    *,
    finds_both: bool,
) -> None:
    """In a large store the newest that have one common word would hide the older ones that have two, and a word that
    is nowhere would hide all others."""
    _with_sizes(monkeypatch, NARROW=0, NARROW_WORDS=0, WORD_POOL=3, COMMON_POOL=3)
    both = said("CBUSY", "1600000000.000100", "deploy on friday")
    busy = [
        said("CBUSY", f"17000{n:02d}000.000100", "deploy now" if n % 2 else "friday evening C++ 動")
        for n in range(40)
    ]
    await fill(together(channel("CBUSY", "busy"), both, *busy))
    async with ingest.transaction(INGEST) as connection:
        await refresh_statistics(connection, INGEST.team, COLLECTION, PUBLIC_WORDS)
    texts = _texts(await search(query, mode="keyword"))
    assert len(texts) >= 3
    assert ("deploy on friday" in texts) == finds_both


async def test_what_has_every_word_is_found_however_old(
    fill: Fill, search: Any, ingest: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All of the words are common, and the newest have two of them."""
    _with_sizes(monkeypatch, NARROW=0, NARROW_WORDS=0, WORD_POOL=3, TOGETHER_POOL=5, COMMON_POOL=5)
    pairs = ("deploy friday", "friday rollback", "deploy rollback")
    busy = [said("CBUSY", f"17000{n:02d}000.000100", pairs[n % 3]) for n in range(60)]
    old = said("CBUSY", "1600000000.000100", "deploy friday rollback")
    await fill(together(channel("CBUSY", "busy"), old, *busy))
    async with ingest.transaction(INGEST) as connection:
        await refresh_statistics(connection, INGEST.team, COLLECTION, PUBLIC_WORDS)
    assert _texts(await search("deploy friday rollback", mode="keyword"))[0] == "deploy friday rollback"


async def test_narrowing(fill: Fill, search: Any) -> None:
    await fill(_workspace())
    await fill(
        Observations(
            reactions=[
                Reaction("CRANDOM", at("1700009001.000100"), "eyes", "UADA", True, at("1700009002.000100"))
            ]
        )
    )
    assert len(_texts(await search("slow"))) >= 2
    assert _texts(await search("slow", channels=["random"]))[0] == "slow lunch"
    assert "CGENERAL" not in json.dumps(await search("slow", channels=["random"]))
    assert all("lunch" in text for text in _texts(await search("lunch", authors=["Bob"])))
    assert _texts(await search("lunch from:@bob")) == ["slow lunch"]
    assert _texts(await search("lunch", has=["reaction"])) == ["slow lunch"]
    assert "deadlocks" in _texts(await search("deadlocks", has=["link"]))[0]
    assert (
        "thread"
        in _texts(await search("lunch", thread="https://a.slack.com/archives/CGENERAL/p1700003000000100"))[0]
    )
    assert _texts(await search('"slow lunch"')) == ["slow lunch"]
    assert _texts(await search("slow before:2023-11-14T22:14:00Z")) == ["How do I find slow queries?"]
    assert "CGENERAL" not in json.dumps(await search("slow", after="2023-11-15"))
    assert (await search("slow in:nowhere"))["results"]


async def test_a_search_with_nothing_to_look_through_says_so(fill: Fill, search: Any) -> None:
    assert "no message to look through: no channel is visible" in (await search("lunch"))["searched"]
    await fill(_workspace())
    empty = (await search("lunch", after="2024-01-01"))["searched"]
    assert "no message to look through: none matches the filters" in empty and "see" not in empty
    assert "no message" not in (await search("nothing like it", mode="keyword"))["searched"]


async def test_a_modifier_that_names_nothing_is_told(fill: Fill, search: Any) -> None:
    await fill(_workspace())
    found = await search("from:@nobody in:#general slow", mode="keyword")
    assert "from:@nobody: from: nobody called 'nobody' that you can see; taken as words" in found["searched"]
    assert _texts(found)[0].startswith("How do I find slow")
    assert len((await search("in:#nowhere " * 800, mode="keyword"))["searched"]) < 1_000


async def test_a_query_of_filters_alone_is_newest_first_without_scores(fill: Fill, search: Any) -> None:
    await fill(_workspace())
    found = await search("from:@bob")
    assert _texts(found) == ["slow lunch", "C++ and 40P01 deadlocks https://x.example", "pg_stat_statements, sorted by total time"]  # fmt: skip
    assert not any("score" in hit for hit in found["results"])
    first = await search("in:#general", limit=1)
    second = await search("in:#general", limit=1, cursor=first["next_cursor"])
    assert _texts(first) == ["in a thread about lunch"]
    assert _texts(second) == ["pg_stat_statements, sorted by total time"]


@pytest.mark.parametrize(
    ("query", "texts"),
    [
        ("slow -in:#random", ["How do I find slow queries?"]),
        ("slow -from:@ada", ["slow lunch"]),
        ("slow -lunch", ["How do I find slow queries?"]),
        ("slow -queries", ["slow lunch"]),
        ('slow -"slow lunch"', ["How do I find slow queries?"]),
        ("slow -has:file", ["How do I find slow queries?"]),
        ('"lunch" to:#random', ["slow lunch"]),
        ("lunch on:2023-11-14 from:@bob", []),
        ("lunch on:2023-11-15 from:@bob", ["slow lunch"]),
        ("lunch during:november-2023 from:@bob", ["slow lunch"]),
        ("lunch before:2023-11-15 from:@bob", ["slow lunch"]),
        ("lunch before:2023-11-14 from:@bob", []),
        ("lunch after:2023-11-15 from:@bob", ["slow lunch"]),
    ],
)
async def test_slack_s_own_modifiers_are_honoured(
    fill: Fill, search: Any, query: str, texts: list[str]
) -> None:
    await fill(_workspace())
    found = await search(query, mode="keyword")
    assert _texts(found) == texts
    assert all(part in found["searched"] for part in query.split() if part[0] == "-" or ":" in part)


@pytest.mark.parametrize(
    ("modifier", "reason"),
    [
        ("to:@ada", "a recipient cannot be searched for"),
        ("-after:2023-01-01", "cannot be excluded"),
        ("on:someday", "on must be a date or time"),
        ("has:star", "has must be one of file, link, reaction, thread"),
    ],
)
async def test_a_modifier_that_is_not_honoured_is_named(
    fill: Fill, search: Any, modifier: str, reason: str
) -> None:
    await fill(_workspace())
    searched = (await search(f"slow {modifier}", mode="keyword"))["searched"]
    assert f"{modifier}: " in searched and reason in searched


async def test_before_means_the_same_as_argument_and_as_modifier(fill: Fill, search: Any) -> None:
    await fill(_workspace())
    for day in ("2023-11-14", "2023-11-15", "2023-11-16"):
        argument = await search("slow lunch", mode="keyword", before=day)
        assert _texts(argument) == _texts(await search(f"slow lunch before:{day}", mode="keyword"))


async def test_a_name_of_two_people_means_both_and_says_so(fill: Fill, search: Any) -> None:
    await fill(
        together(
            _workspace(), person("UADA2", "Ada"), said("CRANDOM", "1700009002.000100", "slow tram", "UADA2")
        )
    )
    found = await search("from:@ada slow", mode="keyword")
    assert sorted(_texts(found)) == ["How do I find slow queries?", "slow tram"]
    assert "from:@ada means 2 people, all of them are taken: Ada (UADA), Ada (UADA2)" in found["searched"]


async def test_pages_do_not_repeat(fill: Fill, search: Any) -> None:
    await fill(_workspace())
    await fill(
        together(*(said("CRANDOM", f"{1700100000 + 700 * n}.000100", f"walrus number {n}") for n in range(7)))
    )
    seen: list[str] = []
    cursor = None
    while True:
        page = await search("walrus", limit=3, cursor=cursor)
        seen += [hit["ts"] for hit in page["results"]]
        await fill(said("CRANDOM", f"{1800000000 + len(seen)}.000100", "a walrus that came later"))
        cursor = page.get("next_cursor")
        if cursor is None:
            break
    assert len(seen) == len(set(seen)) == 7


@pytest.mark.parametrize(
    "query",
    ["a", "?", "'", "&|!():*<->", "\\", "x" * 10_000, "from:", 'in:"', "the of and", "🎉", "遅", "\ud83d", "%_", "a\0b",
     "has:nothing", "select 1; drop table slack.messages", "<@U1> <#C1>", "é" * 5000, "--", "\n\n x"],
)  # fmt: skip
async def test_no_query_fails(fill: Fill, search: Any, query: str) -> None:
    await fill(_workspace())
    found = await search(query)
    assert "results" in found, found


async def test_bad_arguments_say_what_would_be_right(search: Any) -> None:
    assert (await search(" "))["error"]["code"] == "invalid_input"
    assert "after" in (await search("x", after="sometime"))["error"]["message"]
    assert "cursor" in (await search("x", cursor="nonsense"))["error"]["message"]


async def test_edits_and_deletions_are_found_and_lost_at_once(fill: Fill, search: Any) -> None:
    from dataclasses import replace

    from rookery_slack.observations import MessageDeleted

    await fill(_workspace())
    facts = said("CRANDOM", "1700009001.000100", "swift brunch", "UBOB")
    later = at("1700009100.000100")
    await fill(Observations(messages=[replace(facts.messages[0], edit_ts=later, seen_ts=later)]))
    assert _texts(await search("brunch"))[0] == "swift brunch"
    assert (await search("menu.pdf"))["results"] == []
    await fill(Observations(deletions=[MessageDeleted("CRANDOM", at("1700009001.000100"), None, later)]))
    assert (await search("brunch"))["results"] == []


async def test_the_serving_role_searches_through_the_index(
    ingest: Database, fill: Fill, store: Store, owner_connection: Any
) -> None:
    rows = [
        said("CRANDOM", f"{1700000000 + n}.000100", f"word{n % 500} common text number{n}")
        for n in range(4000)
    ]
    await fill(together(channel("CRANDOM", "random"), *rows))
    async with ingest.transaction(INGEST) as connection:
        await refresh_statistics(connection, INGEST.team, COLLECTION, PUBLIC_WORDS)
    await owner_connection.execute("analyze slack.message_index")
    async with store.session(Caller()) as session:
        # As the embedded server has it: of so few rows a server that counts on turning disks reads all.
        await session.connection.execute("set local random_page_cost = 1.1")
        before = await session.connection.fetchval(
            "select pg_stat_get_xact_numscans('slack.message_index_words'::regclass)"
        )
        await session.rows(
            "search_words", "'word7'", None, ["'word7'"], [1.0], 4.0, SearchFilter().row(), 0, False, 2000, 200,
        )  # fmt: skip
        after = await session.connection.fetchval(
            "select pg_stat_get_xact_numscans('slack.message_index_words'::regclass)"
        )
    assert after > before


async def test_how_far_back_is_looked_at_first_changes_nothing_that_is_found(
    fill: Fill, ingest: Database, store: Store
) -> None:
    rows = [
        said("CRANDOM", f"{1700000000 + n * n * 1000}.000100", "deploy " * (n % 3) + "now") for n in range(60)
    ]
    await fill(together(channel("CRANDOM", "random"), *rows))
    async with ingest.transaction(INGEST) as connection:
        await refresh_statistics(connection, INGEST.team, COLLECTION, PUBLIC_WORDS)
    end = at(f"{1700000000 + 50 * 50 * 1000}.000100")
    async with store.session(Caller()) as session:
        for narrow in (
            SearchFilter(),
            SearchFilter(to_ts=end),
            SearchFilter(channels=["CRANDOM"], from_ts=end),
        ):
            for most in (1, 5, 100):
                found = [
                    await session.rows(
                        "search_words", "'deploy'", None, ["'deploy'"], [1.0], 4.0, narrow.row(), likely, newest_on, most, 50,
                    ) for likely in (0, 3, 20, 60, 1000) for newest_on in (False, True)
                ]  # fmt: skip
                assert found[0] and all(each == found[0] for each in found)


async def test_the_share_that_a_narrowing_leaves_is_of_the_newest_thousand(fill: Fill, store: Store) -> None:
    rows = [
        said("CRANDOM" if n % 4 else "CGENERAL", f"{1700000000 + n}.000100", "now", f"U{n % 2}")
        for n in range(2000)
    ]
    old = [said("COLD", f"{1600000000 + n}.000100", "then") for n in range(500)]
    public = [channel("CGENERAL", "general"), channel("CRANDOM", "random"), channel("COLD", "old")]
    await fill(together(*public, *rows, *old))
    shares = {
        0.25: SearchFilter(channels=["CGENERAL"]),
        0.5: SearchFilter(authors=["U1"], to_ts=at("1700001500.000100"), has_reaction=True),
        0.0: SearchFilter(channels=["COLD"], from_ts=at("1600000000.000100")),
        1.0: SearchFilter(channels=["COLD", "CRANDOM", "CGENERAL"]),
    }
    async with store.session(Caller()) as session:
        for share, narrow in shares.items():
            assert await session.value("share_left", narrow.row()) == share


async def test_nothing_fits_made_up_words_and_the_answer_says_so(fill: Fill, search: Any) -> None:
    await fill(_workspace())
    found = await search("qqzzy wub")
    assert found["results"] == []
    assert "nothing fits" in found["searched"]


async def test_a_score_is_the_share_of_the_query_that_fits(fill: Fill, search: Any) -> None:
    await fill(_workspace())
    whole = (await search("slow queries", mode="keyword"))["results"][0]["score"]
    part = (await search("slow queries harbour", mode="keyword"))["results"][0]["score"]
    assert 0 < part < whole <= 1
