"""A channel of the emulated workspace in a terminal: lines typed are messages, answers appear as they stream."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator

from emulators.slack.server import SlackEmulator

HELP = """Type a question; it mentions the bot in #{channel}. Commands:
  /dm TEXT        write to the bot in a direct message     /reply TEXT    answer in the last thread
  /up, /down      rate the last answer                     /thread        print the last thread
  /rookery TEXT   a slash command of the bot               /quit          leave"""


class ChatWindow:
    """Reads lines of one person and prints what the app does."""

    def __init__(self, emulator: SlackEmulator, user: str, channel: str) -> None:
        self._emulator = emulator
        self._user = user
        self._home = channel
        self._place = (channel, "")
        self._asked: list[tuple[str, str]] = []
        self._printed: dict[tuple[str, str], str] = {}
        self._status = ""
        self._whispers = 0

    async def run(self) -> None:
        name = self._emulator.state.channels[self._home].name
        print(HELP.format(channel=name), flush=True)
        watcher = asyncio.create_task(self._watch())
        print("waiting for the bot to connect ...", flush=True)
        await self._emulator.sockets.connected(timeout=86_400)
        print("the bot is connected.", flush=True)
        try:
            async for line in _lines():
                if line == "/quit":
                    return
                if line:
                    await self._typed(line)
        finally:
            watcher.cancel()

    async def _typed(self, line: str) -> None:
        people, word, rest = self._emulator.people, *_split(line)
        channel, root = self._place
        if word == "/dm":
            self._go(people.tell(self._user, rest))
        elif word == "/reply" and root:
            people.mention(self._user, channel, rest, thread_ts=root)
        elif word in ("/up", "/down"):
            await self._rate(word == "/up")
        elif word == "/thread":
            for shown in self._emulator.screen.thread(channel, root):
                print(f"{shown.author}: {shown.text}", flush=True)
        elif word == "/rookery":
            answer = await people.command(self._user, self._home, "/rookery", rest)
            print(f"(only you see this) {answer.get('text', '')}", flush=True)
        elif word.startswith("/"):
            print(HELP.format(channel=self._emulator.state.channels[self._home].name), flush=True)
        else:
            self._go((self._home, people.mention(self._user, self._home, line)))

    def _go(self, place: tuple[str, str]) -> None:
        """To another thread. What is said in those before it is shown all the same."""
        self._place = place
        self._asked.append(place)

    async def _rate(self, liked: bool) -> None:
        channel, root = self._place
        replies = self._emulator.screen.replies(channel, root)
        action = "rookery_feedback_up" if liked else "rookery_feedback_down"
        for reply in reversed(replies):
            try:
                await self._emulator.people.click(self._user, channel, reply.ts, action)
            except LookupError:
                continue
            return
        print("There is no answer to rate yet.", flush=True)

    async def _watch(self) -> None:
        while True:
            await self._emulator.state.wait_for(self._news, timeout=86_400)
            self._show()

    def _current(self) -> dict[tuple[str, str], str]:
        """What the bot says in this thread; once it has said it, also what it said in those before."""
        here = self._said(self._place)
        if any(self._streaming(*message) for message in here):
            return here
        return {
            message: text
            for place in self._asked
            for message, text in self._said(place).items()
            if place == self._place or not self._streaming(*message)
        }

    def _said(self, place: tuple[str, str]) -> dict[tuple[str, str], str]:
        return {(place[0], line.ts): line.text for line in self._emulator.screen.replies(*place)}

    def _news(self) -> bool:
        return (
            not self._current().items() <= self._printed.items()
            or self._emulator.screen.status(*self._place) != self._status
            or len(self._emulator.screen.ephemerals(self._user)) != self._whispers
        )

    def _show(self) -> None:
        status = self._emulator.screen.status(*self._place)
        if status != self._status and status:
            print(f"  ... {status}", flush=True)
        self._status = status
        for message, text in self._current().items():
            before = self._printed.get(message, "")
            if text.startswith(before):
                print(text[len(before) :], end="", flush=True)
            else:
                print(f"\n[edited]\n{text}", flush=True)
            if text != before and not self._streaming(*message):
                print(flush=True)
            self._printed[message] = text
        whispers = self._emulator.screen.ephemerals(self._user)
        for whisper in whispers[self._whispers :]:
            print(f"(only you see this) {whisper}", flush=True)
        self._whispers = len(whispers)

    def _streaming(self, channel: str, ts: str) -> bool:
        return self._emulator.state.messages[channel][ts].streaming


def _split(line: str) -> tuple[str, str]:
    word, _, rest = line.partition(" ")
    return word, rest.strip()


async def _lines() -> AsyncIterator[str]:
    while True:
        line = await asyncio.to_thread(sys.stdin.readline)
        if not line:
            return
        yield line.strip()
