"""How much one person and one channel may ask in a while."""

from __future__ import annotations

from rookery.slack.answers.questions import QuestionStore
from rookery.slack.event_types import IncomingMessage
from rookery.slack.settings import BotSettings


class QuestionLimits:
    """Counts accepted questions; refused ones do not count."""

    def __init__(self, questions: QuestionStore, settings: BotSettings) -> None:
        self._questions = questions
        self._settings = settings

    async def refusal(self, question: IncomingMessage) -> str | None:
        """What to tell the asker when a limit is used up, or None when the question may be answered."""
        user_limit, channel_limit = self._settings.user_limit, self._settings.channel_limit
        if not user_limit and not channel_limit:
            return None
        recent = await self._questions.recent(question, self._settings.limit_window_s)
        if user_limit and recent.by_asker >= user_limit:
            return self._message("You have", recent.by_asker, recent.asker_age_s)
        if channel_limit and recent.in_channel >= channel_limit:
            return self._message("This channel has", recent.in_channel, recent.channel_age_s)
        return None

    def _message(self, who: str, asked: int, oldest_s: float) -> str:
        window = self._settings.limit_window_s
        return (
            f"{who} asked {_counted(asked, 'question')} in the last {_span(window)}, which is the limit here. "
            f"Please ask again in about {_span(window - oldest_s)}."
        )


def _span(seconds: float) -> str:
    """A span of time as one says it."""
    if seconds < 90:
        return _counted(max(1, round(seconds)), "second")
    if seconds < 5_400:
        return _counted(round(seconds / 60), "minute")
    return _counted(round(seconds / 3_600), "hour")


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
