"""Workers die with -9 in every gap of the reply; the thread holds one whole answer all the same."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from emulators.slack import SlackEmulator
from emulators.slack.faults import Fault
from emulators.slack.sample import Cast
from rookery.slack.settings import SlackSettings
from slack_bot.bot_process import BotProcess, Nursery, open_nursery, wait_for_socket
from slack_bot.reading import answered, said

GAPS = [
    ("assistant.threads.setStatus", 1),
    ("conversations.info", 1),
    ("chat.startStream", 1),  # intended and done, no receipt
    ("chat.appendStream", 1),  # in the middle of the stream
    ("chat.stopStream", 1),  # finished, not known to be
]
"""Calls at whose end, with the answer of Slack still on its way, the bot is killed."""


class Standby:
    """A bot that runs, and the next one as soon as it is killed."""

    def __init__(self, slack: SlackEmulator, nursery: Nursery, settings: SlackSettings) -> None:
        self._slack = slack
        self._nursery = nursery
        self._settings = settings
        self._running: BotProcess | None = None

    async def start(self, **orders: Any) -> None:
        self._running = await self._nursery.bot(self._settings, words=40, **orders)
        await wait_for_socket(self._slack)

    async def replace(self, **orders: Any) -> None:
        """Kill the one that runs, if any, and let another take over."""
        if self._running is not None:
            await self._running.kill()
        await self._slack.state.wait_for(lambda: not self._slack.sockets.sockets)
        await self.start(**orders)


@pytest.fixture
async def standby(slack: SlackEmulator, bot_settings: Callable[..., SlackSettings]) -> AsyncIterator[Standby]:
    async with open_nursery() as nursery:
        yield Standby(slack, nursery, bot_settings(lease_s=1.0))


@pytest.mark.slow
async def test_killed_at_every_gap_of_a_streamed_answer(
    slack: SlackEmulator, cast: Cast, standby: Standby
) -> None:
    await standby.start()
    for method, times in GAPS:
        fault = slack.faults.plan(method, "hold", times=times)
        channel = slack.state.add_channel(f"gap-{method}", [cast.ada.id]).id
        root = slack.people.mention(cast.ada.id, channel, f"killed after {method}")
        await _reached(fault)
        await standby.replace()
        fault.release.set()
        await _one_whole_answer(slack, channel, root, method)


@pytest.mark.slow
async def test_killed_at_every_gap_of_a_posted_answer(
    slack: SlackEmulator, cast: Cast, standby: Standby
) -> None:
    slack.streaming_offered = False
    await standby.start()
    for method in ("chat.startStream", "chat.postMessage", "chat.update"):
        fault = slack.faults.plan(method, "hold")
        channel = slack.state.add_channel(f"gap-{method}", [cast.ada.id]).id
        root = slack.people.mention(cast.ada.id, channel, f"killed after {method}")
        await _reached(fault)
        await standby.replace()
        fault.release.set()
        await _one_whole_answer(slack, channel, root, method)


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


async def _one_whole_answer(slack: SlackEmulator, channel: str, root: str, method: str) -> None:
    texts = await answered(slack, channel, root, timeout=20)
    assert len(texts) == 1, (method, texts)
    assert f"Answer to (killed after {method})" in texts[0]
    assert "More of it follows here." in texts[0]
    assert not any(message.streaming for message in said(slack, channel, root))
    assert not [message for message in slack.state.deleted if message.channel == channel]
