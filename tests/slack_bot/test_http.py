"""The Events API over HTTP: only what Slack signed, stored before it is answered, answered once."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager

import aiohttp
from hypothesis import given
from hypothesis import strategies as st

from emulators.slack import SlackEmulator
from emulators.slack.sample import Cast
from loopback import free_port
from rookery.slack.app import run
from rookery.slack.blocks import FEEDBACK_UP
from rookery.slack.http import MOST_BYTES, is_signed
from rookery.slack.settings import SlackSettings
from slack_bot.reading import answered, said
from slack_bot.scripted import ScriptedModel


@asynccontextmanager
async def serving(slack: SlackEmulator, settings: SlackSettings) -> AsyncGenerator[str]:
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
    slack: SlackEmulator, cast: Cast, bot_settings: Callable[..., SlackSettings]
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
            large = b'{"type": "' + b"x" * MOST_BYTES + b'"}'
            headers = slack.delivery.signature(large)
            async with session.post(f"{base}/slack/events", data=large, headers=headers) as refused:
                assert refused.status == 413
            for wrong in (b"[]", b"{", b"\xff"):
                headers = slack.delivery.signature(wrong)
                async with session.post(f"{base}/slack/events", data=wrong, headers=headers) as refused:
                    assert refused.status == 400


@given(body=st.binary(max_size=50), timestamp=st.text(max_size=12), signature=st.text(max_size=80))
def test_no_forged_signature_passes_or_raises(body: bytes, timestamp: str, signature: str) -> None:
    assert not is_signed("secret", body, timestamp, signature, 1_760_000_000.0)
