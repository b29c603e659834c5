"""Workers die with -9 in every gap of the reply; the thread holds one whole answer all the same."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from emulators.slack import SlackEmulator
from emulators.slack.faults import Fault
from emulators.slack.sample import Cast
from rookery.slack.settings import BotSettings
from slack_bot.bot_process import BotProcess, Nursery, open_nursery, wait_for_socket
from slack_bot.reading import answered, said


class Standby:
    """A bot that runs, and the next one as soon as it is killed."""

    def __init__(self, slack: SlackEmulator, nursery: Nursery, settings: BotSettings) -> None:
        self._slack = slack
        self._nursery = nursery
        self._settings = settings
        self._running: BotProcess | None = None

    async def start(self, **orders: Any) -> None:
        self._running = await self._nursery.bot(self._settings, **{"words": 40, **orders})
        await wait_for_socket(self._slack)

    async def replace(self, **orders: Any) -> None:
        """Kill the one that runs, if any, and let another take over."""
        if self._running is not None:
            await self._running.kill()
        await self._slack.state.wait_for(lambda: not self._slack.sockets.sockets)
        await self.start(**orders)


@pytest.fixture
async def standby(slack: SlackEmulator, bot_settings: Callable[..., BotSettings]) -> AsyncIterator[Standby]:
    async with open_nursery() as nursery:
        yield Standby(slack, nursery, bot_settings(lease_s=1.0))


@pytest.mark.slow
async def test_killed_at_every_gap_between_the_last_word_and_the_file(
    slack: SlackEmulator, cast: Cast, standby: Standby
) -> None:
    """The workers that take over know no file: what they post was kept by the one that died."""
    for method in ("chat.stopStream", "files.getUploadURLExternal", "files.completeUploadExternal"):
        fault = slack.faults.plan(method, "hold")
        channel = slack.state.add_channel(f"file-{method}", [cast.ada.id]).id
        await standby.replace(file="list.csv")
        root = slack.people.mention(cast.ada.id, channel, f"killed after {method}")
        await _reached(fault)
        await standby.replace()
        fault.release.set()
        await slack.state.wait_for(lambda at=(channel, root): any(m.files for m in said(slack, *at)), 20)
        await answered(slack, channel, root, timeout=20)
        words, *files = said(slack, channel, root)
        assert "More of it follows here." in words.text
        assert [(m.files[0].name, m.files[0].content) for m in files] == [("list.csv", b"a,b\n1,2\n")], method


async def _reached(fault: Fault) -> None:
    await asyncio.wait_for(fault.reached.wait(), 20)


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("mode", "kind"),
    [("stream", "hold"), ("stream", "stall"), ("edit", "hold"), ("long", "stall"), ("eyes", "stall")],
)
async def test_killed_at_every_call_of_an_answer(
    slack: SlackEmulator, cast: Cast, standby: Standby, kind: Any, mode: str
) -> None:
    """hold: when Slack has done it and nobody knows. stall: just before, with all that came earlier written down."""
    slack.streaming_offered = mode != "edit"
    if mode == "eyes":
        slack.faults.plan("assistant.threads.setStatus", "error", code="not_allowed_token_type", times=1000)
    length = 600 if mode == "long" else 40
    await standby.start(words=length)
    calls = 0
    while await _killed_at(calls, kind, slack, standby, length):
        calls += 1
    assert calls > 6


async def _killed_at(skip: int, kind: Any, slack: SlackEmulator, standby: Standby, length: int) -> bool:
    """Ask, and kill the bot at a call of its answer. False when the answer needs no more calls than `skip`."""
    fault = slack.faults.plan("*", kind, skip=skip)
    asker = slack.state.add_user(f"asker-{skip}").id
    channel = slack.state.add_channel(f"call-{skip}", [asker]).id
    root = slack.people.mention(asker, channel, f"killed at {skip}")
    parts = 2 if length > 400 else 1
    whole = asyncio.create_task(_settled(slack, channel, root, parts))
    reached = asyncio.create_task(fault.reached.wait())
    await asyncio.wait({whole, reached}, return_when=asyncio.FIRST_COMPLETED)
    if not reached.done():
        reached.cancel()
        return False
    await standby.replace(words=length)
    fault.release.set()
    texts = await whole
    assert len(texts) == parts, (skip, texts)
    assert texts[0].startswith(f"Answer to (killed at {skip})")
    assert "More of it follows here." in texts[-1]
    assert not any(message.streaming for message in said(slack, channel, root))
    return True


async def _settled(slack: SlackEmulator, channel: str, root: str, parts: int) -> list[str]:
    """The bot's words in a thread, once they are whole and no status is below them."""
    await answered(slack, channel, root, parts, timeout=30)
    await slack.state.wait_for(lambda: _status(slack, channel, root) == [], 15)
    return [line.text for line in slack.screen.replies(channel, root)]


def _status(slack: SlackEmulator, channel: str, root: str) -> list[str]:
    """What tells that the bot is at work: the line below the thread, the eyes on the question."""
    line = slack.screen.status(channel, root)
    return [*([line] if line else []), *slack.state.messages[channel][root].reactions]
