"""Reports to the asker and to the queue when a question cannot be answered."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from rookery.slack.answers.questions import QuestionStore
from rookery.slack.answers.thread import headline
from rookery.slack.answers.turn import AnswerTurn
from rookery.slack.answers.writer import ReplyWriter
from rookery.slack.errors import ThreadHidden
from rookery.slack.notifier import Notifier
from rookery.slack.text.markup import escape
from rookery_core.errors import RateLimited, RookeryError, Unavailable
from rookery_core.queue import PermanentFailure, RetryLater
from rookery_core.telemetry import get_logger
from rookery_slackapi.errors import SlackRefused, SlackUnavailable, SlackUncertain

if TYPE_CHECKING:
    from rookery_core.queue import Event

_MAX_WAIT_S = 300.0
logger = get_logger(__name__)


class FailureReporter:
    """Reports each failure once, in the thread or, when the thread accepts nothing, in a direct message."""

    def __init__(
        self, notifier: Notifier, questions: QuestionStore, bot_user: str, *, max_attempts: int
    ) -> None:
        self._notifier = notifier
        self._questions = questions
        self._bot_user = bot_user
        self._max_attempts = max_attempts

    async def report_failure(self, turn: AnswerTurn, writer: ReplyWriter, error: Exception) -> None:
        """Tell the asker, and the queue by raising. Returns when the question is closed."""
        key, attempt = turn.question.key, turn.claim.event.attempt
        if isinstance(error, (SlackUnavailable, SlackUncertain)):
            logger.warning("question %s is retried later: %s", key, error)
            raise retry_later(error, turn.claim.event) from None
        logger.warning("question %s failed (attempt %d): %r", key, attempt, error)
        if writer.finished:  # the answer is posted; the next attempt reconciles it and closes the question
            raise error
        if isinstance(error, RateLimited):
            await self._show_notice(turn, writer, str(error), final=True)
            await self._questions.close_question(turn.question, "refused")
            return
        if isinstance(error, ThreadHidden):
            await self.report_hidden_thread(turn, error)
        transient = isinstance(error, Unavailable) or not isinstance(error, RookeryError)
        if transient and attempt < self._max_attempts:
            await self._announce_retry(turn, writer, error)
        await self.give_up(turn, writer, _reason(error), f"{type(error).__name__}: {error}")

    async def give_up(self, turn: AnswerTurn, writer: ReplyWriter, reason: str, detail: str = "") -> NoReturn:
        """Tell the asker that there will be no answer, with a reference. Raises PermanentFailure."""
        text = f"{reason} I could not answer this. Reference: `{turn.trace_id}`"
        await self._show_notice(turn, writer, text, final=True)
        await self._questions.close_question(turn.question, "failed", text=turn.question.text)
        raise PermanentFailure(detail or reason)

    async def report_hidden_thread(self, turn: AnswerTurn, hidden: ThreadHidden) -> NoReturn:
        """Tell the asker directly that the answer may be in a thread the bot cannot read. Raises PermanentFailure."""
        text = (
            f"I may have answered it already, at least in part, but I cannot check: {hidden.message} "
            f"To avoid a second answer I stop here. If there is no answer in the thread, please ask again. "
            f"Reference: `{turn.trace_id}`"
        )
        await self.tell_asker(turn, text)
        await self._questions.close_question(turn.question, "failed", text=turn.question.text)
        raise PermanentFailure(f"the thread is hidden: {hidden.message}") from None

    async def tell_asker(self, turn: AnswerTurn, text: str) -> None:
        """Send one direct message about the question to its asker. Raises RetryLater when Slack is unavailable."""
        question = turn.question
        title = escape(headline(question.text, self._bot_user, 100))
        message = {"text": f"About your question in <#{question.channel}>, “{title}”: {text}"}
        try:
            await self._notifier.send_direct(f"slack:{question.key}:beside", question.user, message)
        except (SlackUnavailable, SlackUncertain) as error:
            raise _retry_uncounted(error) from None
        except SlackRefused as refused:
            logger.error(
                "question %s: the direct message to its asker was refused: %s", question.key, refused
            )

    async def _announce_retry(self, turn: AnswerTurn, writer: ReplyWriter, error: Exception) -> NoReturn:
        """Announce another attempt and raise for it: after the error's own delay, or by the queue's backoff."""
        wait_s = error.retry_after_s if isinstance(error, Unavailable) else None
        when = f" in about {round(wait_s)} seconds" if wait_s and wait_s >= 5 else ""
        await self._show_notice(turn, writer, f"{_reason(error)} I am trying again{when}.", final=False)
        if wait_s:
            raise RetryLater(min(wait_s, _MAX_WAIT_S), str(error)) from None
        raise error

    async def _show_notice(self, turn: AnswerTurn, writer: ReplyWriter, text: str, *, final: bool) -> None:
        try:
            await writer.show_notice(text if final else f"_{text}_", final=final)
        except (SlackUnavailable, SlackUncertain) as error:
            if final:
                raise _retry_uncounted(error) from None
            logger.info("question %s: a notice could not be shown: %s", turn.question.key, error)
        except SlackRefused as refused:
            logger.warning("question %s: a notice was refused: %s", turn.question.key, refused)
            if isinstance(refused, ThreadHidden):
                await self.report_hidden_thread(turn, refused)
            if final:
                await self.tell_asker(turn, text)


def retry_later(error: RookeryError, event: Event) -> RetryLater:
    """Retry when Slack may be reachable again. It consumes no attempt."""
    return RetryLater(error.retry_after_s or min(60.0, 2.0**event.attempt), str(error), counts=False)


def _retry_uncounted(error: Unavailable) -> RetryLater:
    return RetryLater(error.retry_after_s or 5.0, str(error), counts=False)


def _reason(error: Exception) -> str:
    """The failure in a sentence for the asker, without details of an unexpected error."""
    if isinstance(error, RookeryError):
        return error.message if error.message.endswith((".", "!", "?")) else error.message + "."
    return "Something unexpected went wrong."
