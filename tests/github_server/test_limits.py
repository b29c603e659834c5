"""Limits, failures and cut connections: what a model is told, and that nothing hangs or is done twice."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from asking_github import Asking, Connect, Reply
from emulators.github import Emulator, Fault
from emulators.github.sample import INSTALLATION, SCOPELESS_TOKEN

ISSUE = "/repos/acme/widgets/issues/1$"


def error_of(reply: Reply) -> dict[str, Any]:
    assert reply.is_error
    return json.loads(reply.text)


@pytest.mark.parametrize("status", [500, 502, 503])
async def test_a_failing_read_is_tried_again(ask: Asking, emulator: Emulator, status: int) -> None:
    emulator.fail(Fault(status=status, path=ISSUE))
    assert not (await ask("get_issue", issue="acme/widgets#1")).is_error
    assert emulator.asked("GET " + ISSUE) == 2


async def test_a_read_that_keeps_failing_ends(ask: Asking, emulator: Emulator) -> None:
    emulator.fail(Fault(status=503, path=ISSUE, times=9))
    error = error_of(await ask("get_issue", issue="acme/widgets#1"))
    assert (error["code"], error["retry_after_s"]) == ("unavailable", 5.0)
    assert emulator.asked("GET " + ISSUE) == 3


@pytest.mark.parametrize("kind", ["cut", "drop"])
async def test_a_cut_connection_is_tried_again(ask: Asking, emulator: Emulator, kind: Any) -> None:
    emulator.fail(Fault(kind=kind, path=ISSUE))
    assert "Exporter stalls" in (await ask("get_issue", issue="acme/widgets#1")).text


@pytest.mark.parametrize(
    ("status", "code"), [(401, "not_allowed"), (404, "not_found"), (410, "not_found"), (422, "invalid_input")]
)
async def test_refusals_keep_their_meaning_and_are_not_repeated(
    ask: Asking, emulator: Emulator, status: int, code: str
) -> None:
    emulator.fail(Fault(status=status, path=ISSUE))
    error = error_of(await ask("get_issue", issue="acme/widgets#1"))
    assert error["code"] == code
    assert error.get("hint") or status == 410
    assert emulator.asked("GET " + ISSUE) == 1


async def test_a_missing_permission_is_named(ask: Asking, emulator: Emulator) -> None:
    emulator.fail(
        Fault(
            kind="forbidden",
            path=ISSUE,
            headers={"x-accepted-github-permissions": "issues=read; pull_requests=read"},
        )
    )
    error = error_of(await ask("get_issue", issue="acme/widgets#1"))
    assert "the token lacks permission issues: read or  pull_requests: read" in error["message"]
    emulator.fail(
        Fault(
            kind="forbidden",
            path=ISSUE,
            headers={"x-accepted-oauth-scopes": "repo", "x-oauth-scopes": "gist"},
        )
    )
    assert "the token lacks scope repo" in error_of(await ask("get_issue", issue="acme/widgets#1"))["message"]


async def test_the_primary_limit_is_an_answer_not_a_wait(ask: Asking, emulator: Emulator) -> None:
    emulator.fail(Fault(kind="primary", path=ISSUE, retry_after_s=1800))
    error = error_of(await ask("get_issue", issue="acme/widgets#1"))
    assert error["code"] == "rate_limited"
    assert 1700 < error["retry_after_s"] < 1810
    again = error_of(await ask("get_issue", issue="acme/widgets#3"))
    assert again["code"] == "rate_limited"
    assert len(emulator.requests) == 1, "what is known to be used up is not asked for"
    search = await ask("search_repositories", query="widgets")
    assert not search.is_error, "searches have a budget of their own"


@pytest.mark.parametrize("status", [403, 429])
async def test_the_secondary_limit_pauses_everything(ask: Asking, emulator: Emulator, status: int) -> None:
    emulator.fail(Fault(kind="secondary", status=status, path=ISSUE, retry_after_s=40))
    assert error_of(await ask("get_issue", issue="acme/widgets#1"))["retry_after_s"] == 40
    assert error_of(await ask("search_repositories", query="widgets"))["code"] == "rate_limited"
    assert len(emulator.requests) == 1


async def test_a_short_pause_is_waited_for(connect: Connect, emulator: Emulator) -> None:
    ask = await connect(max_wait_s=5)
    emulator.fail(Fault(kind="secondary", path=ISSUE, retry_after_s=1))
    assert not (await ask("get_issue", issue="acme/widgets#1")).is_error


async def test_many_slow_answers_hold_up_nobody_else(ask: Asking, emulator: Emulator) -> None:
    slow = [emulator.fail(Fault(kind="slow", path=f"/issues/{number}$")) for number in range(10, 22)]
    waiting = [
        asyncio.create_task(ask("get_issue", issue=f"acme/widgets#{number}", comments="none"))
        for number in range(10, 22)
    ]
    assert "Exporter stalls" in (await ask("get_issue", issue="acme/widgets#1", comments="none")).text
    for fault in slow:
        emulator.release(fault)
    assert not any(reply.is_error for reply in await asyncio.gather(*waiting))


async def test_what_is_left_stands_in_every_answers_metadata(ask: Asking) -> None:
    reply = await ask("get_issue", issue="acme/widgets#1")
    limits = reply.meta["rookery/github"]["limits"]["core"]
    assert limits["limit"] == 5000
    assert limits["left"] == 4998


async def test_without_an_answer_what_was_kept_is_shown_and_dated(
    connect: Connect, emulator: Emulator
) -> None:
    ask = await connect(ROOKERY_GITHUB_FRESH_S=0)
    await ask("get_issue", issue="acme/widgets#1", comments="none")
    emulator.fail(Fault(status=503, path=ISSUE, times=9))
    reply = await ask("get_issue", issue="acme/widgets#1", comments="none")
    assert "Exporter stalls" in reply.text
    assert "(GitHub cannot be asked just now; shown as of 20" in reply.text
    assert reply.requests == {"stale": 1}


async def test_nobody_is_behind_that_address(connect: Connect) -> None:
    ask = await connect(ROOKERY_GITHUB_URL="http://127.0.0.1:9", timeout_s=2)
    error = error_of(await ask("get_issue", issue="acme/widgets#1"))
    assert error["code"] == "unavailable"
    assert "127.0.0.1" not in error["message"]


async def test_a_wrong_token_and_no_token(connect: Connect) -> None:
    wrong = await connect(GITHUB_TOKEN="ghp_wrong")
    error = error_of(await wrong("get_issue", issue="acme/widgets#1"))
    assert "does not accept the token" in error["message"]
    assert "ghp_wrong" not in json.dumps(error)
    nobody = await connect(GITHUB_TOKEN="")
    assert not (await nobody("get_issue", issue="acme/widgets#1")).is_error
    hidden = error_of(await nobody("get_issue", issue="acme/secret#1"))
    assert "no GITHUB_TOKEN is set" in hidden["hint"]


async def test_an_app_signs_in_with_its_installation(
    connect: Connect, emulator: Emulator, app_key: str
) -> None:
    ask = await connect(
        GITHUB_TOKEN="",
        ROOKERY_GITHUB_APP_ID="1",
        ROOKERY_GITHUB_APP_KEY=app_key,
        ROOKERY_GITHUB_APP_INSTALLATION=INSTALLATION,
    )
    assert "Secret plan" in (await ask("get_issue", issue="acme/secret#1")).text
    assert emulator.asked("POST /app/installations/77/access_tokens") == 1


async def test_a_write_without_the_scope_is_an_error_that_names_it(connect: Connect) -> None:
    ask = await connect(GITHUB_TOKEN=SCOPELESS_TOKEN, ROOKERY_GITHUB_WRITE="all")
    error = error_of(await ask("create_issue", repo="acme/widgets", title="x"))
    assert "public_repo or repo" in error["hint"]
