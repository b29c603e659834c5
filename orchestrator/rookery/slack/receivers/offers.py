"""Proactive channels: an open question gets an offer that only its author sees."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal

from rookery.slack.actions import Actions
from rookery.slack.answers.question_builder import is_among_colleagues
from rookery.slack.event_types import IncomingMessage
from rookery.slack.people.feedback import split_key
from rookery.slack.platform import Platform
from rookery.slack.stores import Stores
from rookery.slack.text import blocks as block
from rookery_core import sql
from rookery_core.telemetry import get_logger
from rookery_slackapi.errors import SlackRefused

if TYPE_CHECKING:
    from rookery.slack.settings import BotSettings
    from rookery_core.database import Database

MIN_QUESTION_WORDS = 4
_SQL = sql.load("rookery.slack.receivers", "offers.sql")
_QUESTION = re.compile(
    r"\?\s*$|\?\s|^(who|what|when|where|why|how|which|is there|does any|has any|can (any|some)|any(one|body)|wer|was|wie|wo|"
    r"warum|gibt es|quién|cómo|qué|comment|pourquoi|qui)\b",
    re.IGNORECASE,
)
logger = get_logger(__name__)


def is_open_question(text: str) -> bool:
    """Whether a message reads like a question to everybody: long enough and not addressed to a person."""
    return (
        len(text.split()) >= MIN_QUESTION_WORDS
        and not text.startswith("<@")
        and _QUESTION.search(text) is not None
    )


class Offers:
    """Offers answers to open questions and records the decisions about them."""

    def __init__(
        self, settings: BotSettings, platform: Platform, stores: Stores, database: Database, actions: Actions
    ) -> None:
        self._settings = settings
        self._platform = platform
        self._stores = stores
        self._database = database
        self._actions = actions

    async def offer_answer(self, message: IncomingMessage) -> None:
        """Offer an answer to an open question in a proactive channel, once."""
        if message.channel not in self._settings.proactive_channels or message.is_reply or message.via:
            return
        if not is_open_question(message.text) or await self._stores.control.is_ignored(message.user):
            return
        asker = await self._platform.directory.find_user(message.user)
        room = await self._platform.directory.find_room(message.channel)
        if not is_among_colleagues(asker, room, message) or not await self._record_offer(message):
            return
        try:
            await self._platform.api(
                "chat.postEphemeral",
                channel=message.channel,
                user=message.user,
                text=block.OFFER_TEXT,
                blocks=block.offer(message.key),
            )
        except SlackRefused as refused:
            logger.info("an offer was refused: %s", refused)

    async def record_decision(self, reference: str, user: str, decision: Literal["yes", "no"]) -> bool:
        """Record the asker's decision; yes queues the question in the same transaction. False when decided before."""
        channel, ts = split_key(reference)
        message = IncomingMessage(channel, ts, ts, user, "", "offer", is_direct=False, is_reply=False)
        async with self._database.acquire() as connection, connection.transaction():
            row = await connection.fetchrow(
                _SQL["record_decision"], self._settings.team, channel, ts, user, decision
            )
            if row is None:
                return False
            if decision == "yes":
                await self._stores.questions.record_questions([message], connection)
                await self._actions.publish(
                    "question", message.key, message, priority=1, connection=connection
                )
        return True

    async def _record_offer(self, message: IncomingMessage) -> bool:
        """Record that an offer is made; False when one was made before."""
        async with self._database.acquire() as connection:
            row = await connection.fetchrow(
                _SQL["record_offer"], self._settings.team, message.channel, message.ts, message.user
            )
        return row is not None
