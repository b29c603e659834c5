"""What tests look for on the emulated screen."""

from __future__ import annotations

from typing import Any

import asyncpg

from emulators.slack import Message, SlackEmulator
from emulators.slack.models import User


def mark_of(message: Message) -> dict[str, Any]:
    """The bot's own metadata of a message; empty without."""
    metadata = message.metadata or {}
    payload: dict[str, Any] = metadata.get("event_payload") or {}
    return payload


def is_final(message: Message) -> bool:
    return mark_of(message).get("state") == "final" and not message.streaming


def said(slack: SlackEmulator, channel: str, root: str) -> list[Message]:
    """The bot's messages in a thread."""
    bot = slack.state.app.bot_user
    return [message for message in slack.state.thread(channel, root) if message.user == bot]


async def answered(
    slack: SlackEmulator, channel: str, root: str, count: int = 1, timeout: float = 10.0
) -> list[str]:
    """What the bot has said in a thread, once `count` messages are final and no event waits for its ack."""

    def settled() -> bool:
        final = [message for message in said(slack, channel, root) if is_final(message)]
        return len(final) >= count and not slack.sockets.unacked

    await slack.state.wait_for(settled, timeout)
    return [line.text for line in slack.screen.replies(channel, root)]


def calls(slack: SlackEmulator, method: str) -> int:
    """How many calls of a method succeeded."""
    return sum(1 for call in slack.journal.of(method) if call.answer.get("ok"))


def told(slack: SlackEmulator, person: User) -> list[str]:
    """What the bot has said to a person directly."""
    channel = slack.state.direct_message(person.id).id
    return [line.text for line in slack.screen.channel(channel) if line.from_app]


async def idle(connection: asyncpg.Connection[Any]) -> None:
    """Until no event waits or is worked on."""
    waiting = "select count(*) from queue.event where state in ('ready', 'leased', 'blocked')"
    while await connection.fetchval(waiting):
        pass
