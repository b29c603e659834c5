"""What is kept, for whom, until when; and that a question asked twice costs nothing."""

from __future__ import annotations

import asyncio
import math
import time
from typing import Any

import pytest

from asking_github import Asking, Connect
from emulators.github import Emulator, Fault
from emulators.github.sample import SCOPELESS_TOKEN
from rookery_core.identity import Caller
from rookery_core.settings import CoreSettings
from rookery_github.cache.database import DatabaseStore
from rookery_github.cache.entry import AnswerStore, CachedAnswer, Subject, key_of
from rookery_github.cache.memory import MemoryStore

CALLER = Caller()
KEY = key_of("github.com", "/repos/acme/widgets/issues/1", {"b": 1, "a": 2}, "json")
ISSUE = Subject("github.com", "acme/widgets", 1)


def answer(
    body: bytes = b'{"a": "\\u0000"}', *, fresh_s: float = 60, immutable: bool = False
) -> CachedAnswer:
    until = math.inf if immutable else time.time() + fresh_s
    return CachedAnswer(body, {"etag": '"x"', "link": "", "date": "now"}, time.time(), until, immutable)


@pytest.fixture(params=["memory", "database"])
async def store(request: pytest.FixtureRequest, open_database: Any) -> AnswerStore:
    if request.param == "memory":
        return MemoryStore(10_000)
    return DatabaseStore(await open_database("rookery_github"), 10_000)


async def test_what_is_kept_comes_back(store: AnswerStore) -> None:
    assert await store.find(CALLER, "me", KEY) is None
    await store.save(CALLER, "me", KEY, ISSUE, answer())
    found = await store.find(CALLER, "me", KEY)
    assert found is not None
    assert (found.body, found.etag, found.immutable) == (b'{"a": "\\u0000"}', '"x"', False)
    assert found.fresh_until > time.time()


async def test_nobody_else_sees_it(store: AnswerStore) -> None:
    await store.save(CALLER, "me", KEY, ISSUE, answer())
    assert await store.find(CALLER, "you", KEY) is None
    assert await store.find(Caller(team="other"), "me", KEY) is None


@pytest.mark.parametrize(
    ("changed", "stale"),
    [
        (Subject("github.com", "acme/widgets", 1), True),
        (Subject("github.com", "ACME/widgets"), True),
        (Subject("github.com"), True),
        (Subject("github.com", "acme/widgets", 2), False),
        (Subject("github.com", "acme/other"), False),
        (Subject("ghe.acme.org", "acme/widgets", 1), False),
    ],
)
async def test_news_make_stale_what_they_are_about(store: AnswerStore, changed: Subject, stale: bool) -> None:
    await store.save(CALLER, "me", KEY, ISSUE, answer())
    await store.save(CALLER, "me", "aa" * 32, Subject("github.com", "acme/widgets"), answer(immutable=True))
    await store.make_stale(CALLER, changed)
    found, forever = await store.find(CALLER, "me", KEY), await store.find(CALLER, "me", "aa" * 32)
    assert found is not None
    assert (found.fresh_until < time.time()) is stale
    assert forever is not None
    assert forever.immutable
    await store.refresh(CALLER, "me", KEY, time.time() + 60)
    again = await store.find(CALLER, "me", KEY)
    assert again is not None
    assert again.fresh_until > time.time()


async def test_lists_and_searches_become_stale_with_one_item(store: AnswerStore) -> None:
    for key, subject in (
        ("aa" * 32, Subject("github.com", "acme/widgets")),
        ("bb" * 32, Subject("github.com")),
    ):
        await store.save(CALLER, "me", key, subject, answer())
        await store.make_stale(CALLER, ISSUE)
        found = await store.find(CALLER, "me", key)
        assert found is not None
        assert found.fresh_until < time.time()


async def test_a_store_that_is_full_forgets_what_was_used_longest_ago(open_database: Any) -> None:
    from rookery_github.cache import database as module

    kept = DatabaseStore(await open_database("rookery_github"), 5_000)
    for number in range(module.SAVES_BETWEEN_EVICTIONS):
        await kept.save(CALLER, "me", f"{number:064x}", ISSUE, answer(b"x" * 100))
    left = [
        number
        for number in range(module.SAVES_BETWEEN_EVICTIONS)
        if await kept.find(CALLER, "me", f"{number:064x}")
    ]
    assert len(left) == 50
    memory = MemoryStore(5_000)
    for number in range(200):
        await memory.save(CALLER, "me", f"{number:064x}", ISSUE, answer(b"x" * 100))
    assert await memory.find(CALLER, "me", f"{199:064x}")
    assert await memory.find(CALLER, "me", f"{0:064x}") is None


async def test_the_key_is_of_the_question_not_of_its_order() -> None:
    assert key_of("h", "/p", {"a": 2, "b": 1}, "json") == key_of("h", "/p", {"b": 1, "a": 2}, "json")
    assert key_of("h", "/p", {"a": 2}, "json") != key_of("h", "/p", {"a": 2}, "raw")


async def test_a_question_asked_twice_costs_nothing(ask: Asking, emulator: Emulator) -> None:
    first = await ask("get_pull_request", pull="acme/widgets#5", parts=["diff"])
    before = len(emulator.requests)
    second = await ask("get_pull_request", pull="acme/widgets#5", parts=["diff"])
    assert len(emulator.requests) == before
    assert set(second.requests) == {"cached"}
    assert first.text.replace(nonce(first.text), "") == second.text.replace(nonce(second.text), "")


def nonce(text: str) -> str:
    return text.partition("<untrusted ")[2][:6]


async def test_when_the_minute_is_over_github_is_asked_whether_it_changed(
    connect: Connect, emulator: Emulator
) -> None:
    ask = await connect(ROOKERY_GITHUB_FRESH_S=0)
    await ask("get_issue", issue="acme/widgets#1")
    reply = await ask("get_issue", issue="acme/widgets#1")
    assert reply.requests == {"revalidated": 2}
    assert emulator.asked("GET /repos", 304) == 2
    repository = emulator.world.find("acme/widgets")
    assert repository is not None
    repository.issues[1]["title"] = "Changed title"
    assert "Changed title" in (await ask("get_issue", issue="acme/widgets#1")).text


async def test_what_a_sha_names_is_never_asked_for_again(connect: Connect, emulator: Emulator) -> None:
    ask = await connect(ROOKERY_GITHUB_FRESH_S=0)
    listed = await ask("list_commits", repo="acme/widgets")
    sha = listed.text.partition("/commit/")[2][:40]
    await ask("get_commit", commit=f"acme/widgets@{sha}")
    before = len(emulator.requests)
    reply = await ask("get_commit", commit=f"acme/widgets@{sha}")
    assert len(emulator.requests) == before
    assert set(reply.requests) == {"cached"}


async def test_callers_with_the_same_question_share_one_request(ask: Asking, emulator: Emulator) -> None:
    slow = emulator.fail(Fault(kind="slow", path="/repos/acme/widgets/issues/1$"))
    waiting = [
        asyncio.create_task(ask("get_issue", issue="acme/widgets#1", comments="none")) for _ in range(5)
    ]
    other = await ask("get_issue", issue="acme/widgets#2", comments="none")
    assert "Document the exporter" in other.text, "another question is not held up"
    emulator.release(slow)
    replies = await asyncio.gather(*waiting)
    assert all("Exporter stalls" in reply.text for reply in replies)
    assert emulator.asked("GET /repos/acme/widgets/issues/1$") == 1


async def test_a_caller_who_gives_up_takes_nobody_along(ask: Asking, emulator: Emulator) -> None:
    slow = emulator.fail(Fault(kind="slow", path="/repos/acme/widgets/issues/1$"))
    first = asyncio.create_task(ask("get_issue", issue="acme/widgets#1", comments="none"))
    second = asyncio.create_task(ask("get_issue", issue="acme/widgets#1", comments="none"))
    await ask("get_issue", issue="acme/widgets#2", comments="none")
    first.cancel()
    emulator.release(slow)
    assert "Exporter stalls" in (await second).text


async def test_with_a_database_a_restart_remembers(
    connect: Connect, settings: CoreSettings, emulator: Emulator
) -> None:
    assert settings.database_url
    variables = {"DATABASE_URL": settings.database_url.get_secret_value(), "ROOKERY_GITHUB_CACHE": "database"}
    ask = await connect(**variables)
    deadline = time.monotonic() + 20
    while "cached" not in (await ask("get_issue", issue="acme/widgets#1", comments="none")).requests:
        assert time.monotonic() < deadline
    await _kept_in_the_database(settings)
    again = await connect(**variables)
    deadline = time.monotonic() + 20
    while "cached" not in (await again("get_issue", issue="acme/widgets#1", comments="none")).requests:
        assert time.monotonic() < deadline
    other = await connect(**{**variables, "GITHUB_TOKEN": SCOPELESS_TOKEN})
    assert "cached" not in (await other("get_issue", issue="acme/widgets#1", comments="none")).requests


async def _kept_in_the_database(settings: CoreSettings) -> None:
    from rookery_core.database import Database

    async with (
        await Database.open(settings, role="rookery_github", application_name="tests") as database,
        database.acquire() as connection,
    ):
        identities = await connection.fetch("select distinct identity from github.answers")
    assert all(row["identity"].startswith("token-") for row in identities)


async def test_a_database_that_cannot_be_reached_costs_only_requests(connect: Connect) -> None:
    ask = await connect(DATABASE_URL="postgresql://nobody@127.0.0.1:9/none", ROOKERY_GITHUB_CACHE="database")
    assert not (await ask("get_issue", issue="acme/widgets#1")).is_error
    assert set((await ask("get_issue", issue="acme/widgets#1")).requests) == {"cached"}
