"""When a question cannot be answered: what its asker is told, and what the queue is told."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from rookery.slack.answers.thread import headline
from rookery.slack.answers.work import Work
from rookery.slack.errors import ThreadHidden
from rookery.slack.event_types import IncomingMessage
from rookery.slack.notifier import post_once
from rookery.slack.text.markup import escape
from rookery_core.errors import RateLimited, RookeryError, Unavailable
from rookery_core.queue import PermanentFailure, RetryLater
from rookery_core.telemetry import get_logger
from rookery_slackapi.errors import SlackRefused, SlackUnavailable, SlackUncertain

if TYPE_CHECKING:
    from rookery.slack.answers.questions import StoredQuestion
    from rookery.slack.services import Services
    from rookery_core.queue import Event

_MAX_WAIT_S = 300.0
logger = get_logger(__name__)


class FailureReporter:
    """Tells, once and in one place, that something went wrong."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def failed(self, work: Work, error: Exception, event: Event) -> None:
        """Tell the asker, and the queue by raising. Returns when the question is settled all the same."""
        if isinstance(error, (SlackUnavailable, SlackUncertain)):
            logger.warning("Slack is in the way of question %s: %s", work.question.key, error)
            raise later(error, event) from None
        logger.warning("question %s failed (attempt %d): %r", work.question.key, event.attempt, error)
        if work.writer.finished:  # only the book-keeping failed, and the next attempt finds the answer
            raise error
        if isinstance(error, RateLimited):
            await self._notice(work, str(error), final=True)  # which limit, and until when
            await self._services.questions.finish(work.question, "refused")
            return
        if isinstance(error, ThreadHidden):
            await self.unseen(work.question, work.known, error)
        transient = isinstance(error, Unavailable) or not isinstance(error, RookeryError)
        if transient and event.attempt < self._services.settings.max_attempts:
            await self._again(work, error)
        await self.give_up(work, _reason(error), f"{type(error).__name__}: {error}")

    async def _again(self, work: Work, error: Exception) -> NoReturn:
        """Say that there will be another attempt, and raise for it: when the other side said so, else by back-off."""
        wait_s = error.retry_after_s if isinstance(error, Unavailable) else None
        when = f" in about {round(wait_s)} seconds" if wait_s and wait_s >= 5 else ""
        await self._notice(work, f"{_reason(error)} I am trying again{when}.", final=False)
        if wait_s:
            raise RetryLater(min(wait_s, _MAX_WAIT_S), str(error)) from None
        raise error

    async def give_up(self, work: Work, reason: str, detail: str = "") -> NoReturn:
        """The last word to the asker, with a reference. Raises PermanentFailure."""
        text = f"{reason} I could not answer this. Reference: `{work.known.trace_id}`"
        await self._notice(work, text, final=True)
        await self._services.questions.finish(work.question, "failed", text=work.question.text)
        raise PermanentFailure(detail or reason)

    async def unseen(
        self, question: IncomingMessage, known: StoredQuestion, hidden: ThreadHidden
    ) -> NoReturn:
        """The answer may be in the thread, and Slack does not let anybody look: say so beside it, and answer no more.

        Raises PermanentFailure.
        """
        text = (
            f"I may have answered you already, at least in part: {hidden.message} So I cannot look, and I do not "
            f"answer a second time. If there is no answer in the thread, please ask again. "
            f"Reference: `{known.trace_id}`"
        )
        await self.tell_beside(question, text)
        await self._services.questions.finish(question, "failed", text=question.text)
        raise PermanentFailure(f"the thread is hidden: {hidden.message}") from None

    async def tell_beside(self, question: IncomingMessage, text: str) -> None:
        """To the asker alone, by direct message, once: the thread takes nothing."""
        services = self._services
        shown = escape(headline(question.text, services.identity.user, 100))
        message = {"text": f"About your question in <#{question.channel}>, “{shown}”: {text}"}
        try:
            opened = await services.api("conversations.open", users=question.user)
            owner = f"slack:{question.key}:beside"
            await post_once(services.api, services.queue.effects, owner, opened["channel"]["id"], message)
        except (SlackUnavailable, SlackUncertain) as error:
            raise RetryLater(error.retry_after_s or 5.0, str(error), counts=False) from None
        except SlackRefused as refused:
            logger.error("question %s: the asker could not be told: %s", question.key, refused)

    async def _notice(self, work: Work, text: str, *, final: bool) -> None:
        try:
            await work.writer.notice(f"_{text}_" if not final else text, final=final)
        except (SlackUnavailable, SlackUncertain) as error:
            if final:
                raise RetryLater(error.retry_after_s or 5.0, str(error), counts=False) from None
            logger.info("the notice of a failed attempt could not be shown: %s", error)
        except SlackRefused as refused:
            logger.warning("question %s: a notice was refused: %s", work.question.key, refused)
            if isinstance(refused, ThreadHidden):
                await self.unseen(work.question, work.known, refused)
            if final:
                await self.tell_beside(work.question, text)


def later(error: RookeryError, event: Event) -> RetryLater:
    """Back to the queue until Slack can be reached again: nobody's attempt is used up by that."""
    return RetryLater(error.retry_after_s or min(60.0, 2.0**event.attempt), str(error), counts=False)


def _reason(error: Exception) -> str:
    """What went wrong in a sentence for the asker; nothing of the inside of an unexpected error."""
    if isinstance(error, RookeryError):
        return error.message if error.message.endswith((".", "!", "?")) else error.message + "."
    return "Something unexpected went wrong."
