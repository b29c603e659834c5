"""The Events API over HTTP: only what Slack signed, stored before it is answered, answered once."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from urllib.parse import urlencode

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulators.slack import SlackEmulator
from emulators.slack.sample import Cast
from loopback import free_port
from rookery.slack.app import run
from rookery.slack.receivers.http import MAX_BYTES, is_signed
from rookery.slack.settings import BotSettings
from rookery.slack.text.blocks import FEEDBACK_UP
from slack_bot.reading import answered, said
from slack_bot.scripted import ScriptedModel


@asynccontextmanager
async def serving(slack: SlackEmulator, settings: BotSettings) -> AsyncGenerator[str]:
    stop = asyncio.Event()
    running = asyncio.create_task(run(settings, stop, over_http=True, model=ScriptedModel()))
    base = f"http://127.0.0.1:{settings.slack_http_port}"
    await _until_healthy(base, running)
    app = slack.state.app
    app.events_url, app.interactions_url, app.commands_url = (
        f"{base}/slack/{name}" for name in ("events", "interactions", "commands")
    )
    try:
        yield base
    finally:
        stop.set()
        await running


async def _until_healthy(base: str, running: asyncio.Task[None]) -> None:
    async with asyncio.timeout(20), aiohttp.ClientSession() as session:
        while not running.done():
            try:
                async with session.get(f"{base}/health") as answer:
                    if answer.status == 200:
                        return
            except aiohttp.ClientConnectionError:
                await asyncio.wait({running}, timeout=0.05)
    running.result()


async def test_signed_events_are_answered_and_others_refused(
    slack: SlackEmulator, cast: Cast, bot_settings: Callable[..., BotSettings]
) -> None:
    async with serving(slack, bot_settings(slack_http_port=free_port(), admins=(cast.ada.id,))) as base:
        root = slack.people.mention(cast.ada.id, cast.general.id, "over http?")
        (text,) = await answered(slack, cast.general.id, root)
        assert text.startswith("The answer to: over http?")
        assert {status for request in slack.delivery.requests for status in request.statuses} == {200}
        (answer,) = said(slack, cast.general.id, root)
        await slack.people.click(cast.ada.id, cast.general.id, answer.ts, FEEDBACK_UP)
        told = await slack.people.command(cast.ada.id, cast.general.id, "/rookery", "feedback")
        assert "1 👍" in str(told["text"])
        async with aiohttp.ClientSession() as session:
            body = json.dumps({"type": "url_verification", "challenge": "c1"}).encode()
            async with session.post(f"{base}/slack/events", data=body) as refused:
                assert refused.status == 401
            late = slack.delivery.signature(body, at=int(time.time()) - 301)
            async with session.post(f"{base}/slack/events", data=body, headers=late) as refused:
                assert refused.status == 401
            signed = slack.delivery.signature(body)
            async with session.post(f"{base}/slack/events", data=body, headers=signed) as accepted:
                assert await accepted.json() == {"challenge": "c1"}
            large = b'{"type": "' + b"x" * MAX_BYTES + b'"}'
            headers = slack.delivery.signature(large)
            async with session.post(f"{base}/slack/events", data=large, headers=headers) as refused:
                assert refused.status == 413
            for wrong in (b"[]", b"{", b"\xff"):
                headers = slack.delivery.signature(wrong)
                async with session.post(f"{base}/slack/events", data=wrong, headers=headers) as refused:
                    assert refused.status == 400


HOSTILE = [
    b"[" * 100_000,
    b'{"type": "event_callback"}',
    b'{"type": "event_callback", "event": "text"}',
    b'{"type": "event_callback", "event": [1], "event_id": "E1"}',
    b'{"type": "event_callback", "event_id": {"a": 1}, "event": {"type": "message", "channel": 3, "ts": [], "user": {}}}',
    b'{"type": "event_callback", "event_id": "E2", "event": {"type": "app_mention", "user": "U1"}}',
    b'{"type": "event_callback", "event_id": "E3", "event": {"type": "message", "subtype": "message_changed"}}',
    b'{"type": "event_callback", "event_id": "E4", "event": {"type": "message", "subtype": "message_deleted"}}',
    b'{"type": "event_callback", "event_id": "E5", "event": {"type": "reaction_added", "item": {"type": "message"}}}',
    b'{"type": "event_callback", "event": {"type": "app_mention", "user": "U1", "ts": "soon", "channel": "C1"}}',
    b'{"type": "event_callback", "event": {"type": "app_mention", "user": "U1", "ts": "1.2", "channel": "C1", '
    + rb'"text": "\u0000\ud800"}}',
    b'{"type": "block_actions", "actions": "all", "user": 1}',
    b'{"type": "block_actions", "actions": [{"action_id": "rookery_feedback_up"}]}',
    b'{"type": "view_submission", "view": "form"}',
    b'{"type": "view_submission", "view": {"callback_id": "rookery_feedback_text", "state": []}}',
]
"""What bears Slack's signature and is not what Slack sends."""


async def test_what_slack_never_sends_is_refused_and_leaves_no_traceback(
    slack: SlackEmulator,
    cast: Cast,
    bot_settings: Callable[..., BotSettings],
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with serving(slack, bot_settings(slack_http_port=free_port())) as base:
        async with aiohttp.ClientSession() as session:
            for body in HOSTILE:
                for place, sent in (
                    ("events", body),
                    ("interactions", urlencode({"payload": body}).encode()),
                    ("commands", body),
                ):
                    headers = slack.delivery.signature(sent)
                    async with session.post(f"{base}/slack/{place}", data=sent, headers=headers) as response:
                        assert response.status in (200, 400), (place, body[:80], response.status)
        root = slack.people.mention(cast.ada.id, cast.general.id, "still well?")
        assert len(await answered(slack, cast.general.id, root)) == 1
        await slack.state.wait_for(
            lambda: all(200 in request.statuses for request in slack.delivery.requests)
        )
    assert not [record.getMessage() for record in caplog.records if record.exc_info]


@given(
    body=st.binary(max_size=50),
    timestamp=st.text(st.characters(), max_size=12),
    signature=st.text(st.characters(), max_size=80),
)
def test_no_forged_signature_passes_or_raises(body: bytes, timestamp: str, signature: str) -> None:
    assert not is_signed("secret", body, timestamp, signature, 1_760_000_000.0)


async def _send_raw(base: str, request: bytes, *, wait: bool = True) -> bytes:
    """Send bytes that no HTTP client would send; returns the status line."""
    host, _, port = base.removeprefix("http://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(request)
    await writer.drain()
    answer = await asyncio.wait_for(reader.readline(), 10) if wait else b""
    writer.close()
    await writer.wait_closed()
    return answer


def _request(*headers: str, length: int = 2) -> bytes:
    lines = ("POST /slack/events HTTP/1.1", "Host: x", f"Content-Length: {length}", "Connection: close")
    return "\r\n".join((*lines, *headers, "", "{}")).encode("latin-1")


@pytest.mark.parametrize(
    "headers",
    [
        ("X-Slack-Request-Timestamp: {now}", "X-Slack-Signature: v0=\xe4\xff"),
        ("X-Slack-Request-Timestamp: {now}", "X-Slack-Signature: v0=\xc3\xa4"),
        ("X-Slack-Request-Timestamp: \xb2\xff", "X-Slack-Signature: v0=00"),
        ("X-Slack-Request-Timestamp: " + "9" * 6_000, "X-Slack-Signature: v0=00"),
    ],
)
async def test_headers_that_slack_never_sends_are_refused_as_unsigned(
    slack: SlackEmulator,
    bot_settings: Callable[..., BotSettings],
    caplog: pytest.LogCaptureFixture,
    headers: tuple[str, ...],
) -> None:
    sent = [header.format(now=int(time.time())) for header in headers]
    async with serving(slack, bot_settings(slack_http_port=free_port())) as base:
        answer = await _send_raw(base, _request(*sent))
    assert answer.startswith((b"HTTP/1.1 400 ", b"HTTP/1.1 401 "))  # not ASCII, or not signed
    assert not [record.getMessage() for record in caplog.records if record.exc_info]


async def test_a_client_that_leaves_during_an_upload_is_one_line_in_the_log(
    slack: SlackEmulator,
    cast: Cast,
    bot_settings: Callable[..., BotSettings],
    caplog: pytest.LogCaptureFixture,
) -> None:
    def lines() -> list[str]:
        return [text for record in caplog.records if "incomplete" in (text := record.getMessage())]

    caplog.set_level("INFO", logger="rookery")
    async with serving(slack, bot_settings(slack_http_port=free_port())) as base:
        await _send_raw(base, _request(length=500_000), wait=False)
        async with asyncio.timeout(10):
            while not lines():
                await asyncio.sleep(0.01)
        root = slack.people.mention(cast.ada.id, cast.general.id, "still well?")
        assert len(await answered(slack, cast.general.id, root)) == 1
        await slack.state.wait_for(
            lambda: all(200 in request.statuses for request in slack.delivery.requests)
        )
    assert len(lines()) == 1
    assert not [record.getMessage() for record in caplog.records if record.exc_info]


async def test_a_body_that_does_not_arrive_in_time_is_refused(
    slack: SlackEmulator,
    bot_settings: Callable[..., BotSettings],
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("rookery.slack.receivers.http.BODY_TIMEOUT_S", 0.05)
    async with serving(slack, bot_settings(slack_http_port=free_port())) as base:
        answer = await _send_raw(base, _request(length=500_000))
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert not [record.getMessage() for record in caplog.records if record.exc_info]
