"""What a claimed event means, and who handles it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rookery.slack.answers.answerer import Answerer
from rookery.slack.answers.failures import later
from rookery.slack.event_types import AssistantOpened, Deleted, Edited, IncomingMessage, read
from rookery.slack.receivers.assistant import AssistantPane
from rookery.slack.receivers.offers import Offers
from rookery.slack.rules.rulebook import RuleBook
from rookery_core.queue import PermanentFailure
from rookery_slackapi.errors import SlackRefused, SlackUnavailable, SlackUncertain

if TYPE_CHECKING:
    from rookery.slack.services import Services
    from rookery_core.queue import Attempt, Event


class Dispatcher:
    """The handler of the subscription `agent`."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._answering = Answerer(services)
        self._offers = Offers(services)
        self._rules = RuleBook(services)
        self._assistant = AssistantPane(services)

    async def __call__(self, event: Event, attempt: Attempt) -> None:
        """Handle an event. An outage of Slack uses up no attempt; what Slack refuses for good is not repeated."""
        try:
            await self._handle(event, attempt)
        except (SlackUnavailable, SlackUncertain) as error:
            raise later(error, event) from None
        except SlackRefused as refused:
            raise PermanentFailure(str(refused)) from None

    async def _handle(self, event: Event, attempt: Attempt) -> None:
        incoming = read(event.payload, self._services.identity.user)
        if isinstance(incoming, IncomingMessage):
            await self._written(incoming, event, attempt)
        elif isinstance(incoming, Edited):
            await self._edited(incoming, event, attempt)
        elif isinstance(incoming, Deleted):
            await self._services.questions.mark_deleted(incoming.channel, incoming.ts)
        elif isinstance(incoming, AssistantOpened):
            await self._assistant.greet(incoming)

    async def _written(self, incoming: IncomingMessage, event: Event, attempt: Attempt) -> None:
        written = await self._services.addressing.resolve(incoming)
        if written.via is not None:
            await self._answering.answer(written, event, attempt)
            await self._assistant.entitle(written)
        else:
            await self._offers.consider(written)
        if event.payload.get("event", {}).get("type") == "message":
            await self._rules.consider(written)

    async def _edited(self, edited: Edited, event: Event, attempt: Attempt) -> None:
        """Answer again, in place, when the question was answered as it read before."""
        services = self._services
        known = await services.questions.mark_edited(edited.written)
        if services.settings.on_edit == "ignore" or await services.control.is_ignored(edited.written.user):
            return
        if known:
            await self._answering.answer_again(edited.written, event, attempt)
        elif edited.written.via == "mention" and services.identity.user not in edited.previous_text:
            # Slack sends no app_mention for a mention that was added later.
            await self._answering.answer(edited.written, event, attempt)
