"""Every call that the product makes of Slack's Web API, in every way in which Slack fails."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from emulators.slack import SlackEmulator
from loopback import free_port
from rookery_core.errors import ConfigurationError, NotAllowed, RateLimited, RookeryError, Unavailable
from rookery_slackapi.errors import (
    SlackLockedOut,
    SlackRateLimited,
    SlackRefused,
    SlackScopeMissing,
    SlackUnavailable,
    SlackUncertain,
)
from rookery_slackapi.settings import SlackApiSettings
from rookery_slackapi.web import MAX_ATTEMPTS, REPEATABLE, SlackApi, web_client

ROOT = Path(__file__).parents[2]
FAMILIES = "apps|assistant|auth|chat|conversations|files|reactions|usergroups|users|views"
METHOD = re.compile(rf'"((?:{FAMILIES})\.[a-z][A-Za-z.]*[A-Za-z])"')
NO_METHODS = {"files.slack.com", "files.tar", "users.json"}
PATIENCE_S = 30.0


def methods_called() -> set[str]:
    """The methods that the sources name, beside the table of those that may be repeated."""
    folders = ("servers/slack", "ingest/rookery_ingest/slack", "orchestrator")
    files = (file for folder in folders for file in (ROOT / folder).rglob("*.py"))
    return {name for file in files for name in METHOD.findall(file.read_text())} - NO_METHODS


ONCE = {
    "chat.appendStream",
    "chat.delete",
    "chat.postEphemeral",
    "chat.postMessage",
    "chat.startStream",
    "chat.stopStream",
    "chat.update",
    "files.completeUploadExternal",
    "reactions.add",
    "reactions.remove",
    "views.open",
}
METHODS = sorted(REPEATABLE | ONCE)


@dataclass
class Failure:
    """A way in which Slack fails. once: the error of a call that writes; None: it is sent again, as a read is."""

    name: str
    kind: str
    details: dict[str, Any] = field(default_factory=dict[str, Any])
    once: type[RookeryError] | None = None
    read: type[RookeryError] | None = None

    def __str__(self) -> str:
        return self.name


def _codes(codes: Iterable[str], error: type[RookeryError]) -> list[Failure]:
    return [Failure(code, "error", {"code": code}, once=error, read=error) for code in codes]


def _answers(*answers: tuple[int, str, str]) -> list[Failure]:
    return [
        Failure(
            f"{status} {body[:12]!r}",
            "proxy",
            {"status": status, "content_type": media, "body": body},
            once=SlackUncertain,
        )
        for status, media, body in answers
    ]


NOT_DONE = [
    Failure("429", "rate_limit", {"retry_after": 1}),
    Failure("429, retry at a foreign time", "rate_limit", {"retry_after": "soon"}),
    Failure("429 without Retry-After", "proxy", {"status": 429, "body": "Too many requests"}),
    Failure("ratelimited in the body", "error", {"code": "ratelimited"}),
    Failure("service_unavailable", "error", {"code": "service_unavailable"}),
    Failure("request_timeout", "error", {"code": "request_timeout"}),
]
IN_DOUBT = [
    Failure("connection lost before", "drop", once=SlackUncertain),
    Failure("connection lost after", "lose_answer", once=SlackUncertain),
    Failure("answer cut off", "cut_answer", once=SlackUncertain),
    Failure("timeout", "stall", once=SlackUncertain),
    Failure("503 of Slack", "server_error", once=SlackUncertain),
    Failure("internal_error", "error", {"code": "internal_error"}, once=SlackUncertain),
    *_answers(
        (500, "application/json", '{"ok": fal'),
        (502, "text/html", "<html>Bad gateway</html>"),
        (503, "text/plain", "upstream connect error"),
        (504, "application/json", ""),
        (200, "text/html", "<html>Welcome to the hotel</html>"),
        (200, "application/json", '{"ok": tr'),
        (200, "application/json", "[]"),
        (200, "application/json", "{}"),
        (200, "application/json", "null"),
    ),
]
FINAL = [
    Failure("429 for an hour", "rate_limit", {"retry_after": 3600}, once=SlackRateLimited, read=SlackRateLimited),
    *_codes(("message_limit_exceeded",), SlackRateLimited),
    *_codes(("is_archived", "channel_not_found", "a_code_of_tomorrow"), SlackRefused),
    *_codes(("missing_scope",), SlackScopeMissing),
    *_codes(("invalid_auth", "token_revoked", "token_expired", "account_inactive"), SlackLockedOut),
]  # fmt: skip


@pytest_asyncio.fixture
async def slack() -> AsyncIterator[SlackEmulator]:
    async with SlackEmulator() as emulator:
        yield emulator


@dataclass
class Waits:
    """What a call waits for; no time passes."""

    seconds: list[float] = field(default_factory=list[float])

    async def __call__(self, seconds: float) -> None:
        self.seconds.append(seconds)


def connected(url: str, token: str, waits: Waits, timeout_s: float = 20) -> SlackApi:
    client: Any = web_client(token, SlackApiSettings.model_validate({"slack_api_url": url}))
    client.timeout = timeout_s
    return SlackApi(client, patience_s=PATIENCE_S, sleep=waits)


def test_the_table_holds_every_method_that_the_product_calls() -> None:
    assert methods_called() == set(METHODS)


@pytest.mark.parametrize("failure", [*NOT_DONE, *IN_DOUBT, *FINAL], ids=str)
async def test_every_call_in_every_way_slack_fails(slack: SlackEmulator, failure: Failure) -> None:
    for method in METHODS:
        await call_once_with(slack, method, failure)


async def call_once_with(slack: SlackEmulator, method: str, failure: Failure) -> None:
    slack.faults.plan(method, failure.kind, **failure.details)  # type: ignore[arg-type]
    waits = Waits()
    app = slack.state.app
    token = app.app_token if method == "apps.connections.open" else app.bot_token
    api = connected(slack.api_url, token, waits, 0.05 if failure.kind == "stall" else 20)
    error = failure.read if method in REPEATABLE else failure.once
    if error is not None:
        with pytest.raises(error) as caught:
            await api(method)
        assert "\n" not in str(caught.value) and token not in str(caught.value)
        assert slack.faults.requests[method] == 1 and not waits.seconds, method
        return
    try:
        await api(method)
    except SlackRefused as refused:  # without its arguments the second call is refused, by Slack itself
        assert refused.reason not in (failure.details.get("code"), "")
    assert slack.faults.requests[method] == 2, method
    assert 0 <= sum(waits.seconds) <= PATIENCE_S and len(waits.seconds) == 1


async def test_a_limit_that_does_not_end_is_told_with_its_time(slack: SlackEmulator) -> None:
    slack.faults.plan("users.info", "rate_limit", times=99, retry_after=7)
    waits = Waits()
    with pytest.raises(RateLimited) as caught:
        await connected(slack.api_url, slack.state.app.bot_token, waits)("users.info", user="U1")
    assert slack.faults.requests["users.info"] == MAX_ATTEMPTS
    assert sum(waits.seconds) <= PATIENCE_S and (caught.value.retry_after_s or 0) >= 7


@pytest.mark.parametrize("method", ["users.info", "chat.postMessage"])
async def test_without_a_connection_every_call_is_repeated_and_then_says_so(method: str) -> None:
    waits = Waits()
    with pytest.raises(SlackUnavailable, match="not reachable"):
        await connected(f"http://127.0.0.1:{free_port()}/api/", "xoxb-1", waits)(method)
    assert len(waits.seconds) == MAX_ATTEMPTS - 1


async def test_a_call_that_must_not_wait_does_not(slack: SlackEmulator) -> None:
    slack.faults.plan("users.info", "rate_limit", retry_after=5)
    waits = Waits()
    with pytest.raises(SlackRateLimited):
        await connected(slack.api_url, slack.state.app.bot_token, waits)("users.info", wait=False)
    assert not waits.seconds


async def test_pages_follow_the_cursor_through_failures(slack: SlackEmulator) -> None:
    people = {slack.state.add_user(f"person{n}").id for n in range(5)}
    slack.faults.plan("users.list", "lose_answer", skip=1)
    api = connected(slack.api_url, slack.state.app.bot_token, Waits())
    pages = [page async for page in api.pages("users.list", "members", limit=2)]
    assert people <= {member["id"] for page in pages for member in page}
    assert len(pages) > 2


def test_each_class_of_error_is_one_that_the_other_parts_know() -> None:
    assert issubclass(SlackRefused, NotAllowed) and issubclass(SlackRateLimited, RateLimited)
    assert issubclass(SlackLockedOut, ConfigurationError) and issubclass(
        SlackScopeMissing, ConfigurationError
    )
    assert issubclass(SlackUncertain, Unavailable) and not issubclass(SlackUncertain, SlackUnavailable)
