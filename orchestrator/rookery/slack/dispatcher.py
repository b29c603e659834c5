"""Routes a claimed event to the part that handles it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rookery.slack.answers.answerer import Answerer
from rookery.slack.answers.failures import retry_later
from rookery.slack.answers.questions import Addressing
from rookery.slack.answers.turn import ClaimedQuestion
from rookery.slack.event_types import AssistantOpened, Deleted, Edited, IncomingMessage, read
from rookery.slack.receivers.assistant import AssistantPane
from rookery.slack.receivers.offers import Offers
from rookery.slack.rules.rulebook import RuleBook
from rookery.slack.stores import Stores
from rookery_core.queue import PermanentFailure
from rookery_slackapi.errors import SlackRefused, SlackUnavailable, SlackUncertain

if TYPE_CHECKING:
    from rookery_core.queue import Attempt, Event


class Dispatcher:
    """The handler of the subscription `agent`."""

    def __init__(
        self,
        bot_user: str,
        stores: Stores,
        addressing: Addressing,
        answerer: Answerer,
        offers: Offers,
        rules: RuleBook,
        assistant: AssistantPane,
        *,
        follow_edits: bool,
    ) -> None:
        self._bot_user = bot_user
        self._stores = stores
        self._addressing = addressing
        self._answerer = answerer
        self._offers = offers
        self._rules = rules
        self._assistant = assistant
        self._follow_edits = follow_edits

    async def __call__(self, event: Event, attempt: Attempt) -> None:
        """Handle an event. An outage of Slack consumes no attempt; a refusal by Slack is permanent."""
        try:
            await self._handle_event(event, attempt)
        except (SlackUnavailable, SlackUncertain) as error:
            raise retry_later(error, event) from None
        except SlackRefused as refused:
            raise PermanentFailure(str(refused)) from None

    async def _handle_event(self, event: Event, attempt: Attempt) -> None:
        incoming = read(event.payload, self._bot_user)
        if isinstance(incoming, IncomingMessage):
            await self._handle_message(incoming, event, attempt)
        elif isinstance(incoming, Edited):
            await self._handle_edit(incoming, event, attempt)
        elif isinstance(incoming, Deleted):
            await self._stores.questions.mark_deleted(incoming.channel, incoming.ts)
        elif isinstance(incoming, AssistantOpened):
            await self._assistant.suggest_prompts(incoming)

    async def _handle_message(self, incoming: IncomingMessage, event: Event, attempt: Attempt) -> None:
        message = await self._addressing.resolve_follow_up(incoming)
        if message.via is not None:
            await self._answerer.answer_question(ClaimedQuestion(message, event, attempt))
        else:
            await self._offers.offer_answer(message)
        if event.payload.get("event", {}).get("type") == "message":
            await self._rules.queue_judgment(message)

    async def _handle_edit(self, edited: Edited, event: Event, attempt: Attempt) -> None:
        """Answer the new text: in place of an earlier answer, or as a new question when the bot was mentioned now."""
        message = edited.written
        is_question = await self._stores.questions.mark_edited(message)
        if not self._follow_edits or await self._stores.control.is_ignored(message.user):
            return
        if is_question:
            await self._answerer.answer_edit(ClaimedQuestion(message, event, attempt))
        elif message.via == "mention" and self._bot_user not in edited.previous_text:
            # Slack sends no app_mention event for a mention that is added by an edit.
            await self._answerer.answer_question(ClaimedQuestion(message, event, attempt))
