"""Proactive channels: a question that asks nobody in particular gets an offer that only its author sees."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal

from rookery.slack.answers.question_builder import is_among_colleagues
from rookery.slack.event_types import IncomingMessage
from rookery.slack.people.feedback import place_of
from rookery.slack.text import blocks as block
from rookery_core import sql
from rookery_core.telemetry import get_logger
from rookery_slackapi.errors import SlackRefused

if TYPE_CHECKING:
    from rookery.slack.services import Services

_SQL = sql.load("rookery.slack.receivers", "offers.sql")
_ASKS = re.compile(
    r"\?\s*$|\?\s|^(who|what|when|where|why|how|which|is there|does any|has any|can (any|some)|any(one|body)|wer|was|wie|wo|"
    r"warum|gibt es|quién|cómo|qué|comment|pourquoi|qui)\b",
    re.IGNORECASE,
)
logger = get_logger(__name__)


def asks_something(text: str) -> bool:
    """Whether a message reads like a question to everybody. Short ones and ones to a person do not."""
    words = text.split()
    return len(words) >= 4 and not text.startswith("<@") and _ASKS.search(text) is not None


class Offers:
    """Offers answers to questions that were put to everybody, and does what is decided about them."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def consider(self, written: IncomingMessage) -> None:
        """Offer an answer, once, where that is wanted."""
        services = self._services
        if written.channel not in services.settings.proactive_channels or written.is_reply or written.via:
            return
        if not asks_something(written.text) or await services.control.is_ignored(written.user):
            return
        asker = await services.directory.person(written.user)
        room = await services.directory.room(written.channel)
        if not is_among_colleagues(asker, room, written) or not await self._first(written):
            return
        try:
            await services.api(
                "chat.postEphemeral",
                channel=written.channel,
                user=written.user,
                text="I may know something about this. Shall I answer in the thread?",
                blocks=block.offer(written.key),
            )
        except SlackRefused as refused:
            logger.info("no offer: %s", refused)

    async def decide(self, reference: str, user: str, decision: Literal["yes", "no"]) -> bool:
        """Note what the asker wants; yes puts the question into the queue in the same transaction."""
        channel, ts = place_of(reference)
        services = self._services
        written = IncomingMessage(channel, ts, ts, user, "", "offer", is_direct=False, is_reply=False)
        async with services.database.acquire() as connection, connection.transaction():
            row = await connection.fetchrow(
                _SQL["answer"], services.settings.team, channel, ts, user, decision
            )
            if row is None:
                return False
            if decision == "yes":
                await services.questions.note([written], connection)
                await services.actions.publish(
                    "question", written.key, written, priority=1, connection=connection
                )
        return True

    async def _first(self, written: IncomingMessage) -> bool:
        async with self._services.database.acquire() as connection:
            row = await connection.fetchrow(
                _SQL["offer"], self._services.settings.team, written.channel, written.ts, written.user
            )
        return row is not None
