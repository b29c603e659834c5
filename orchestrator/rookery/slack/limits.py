"""How much one person and one channel may ask in a while."""

from __future__ import annotations

from rookery.slack.incoming import Written
from rookery.slack.questions import QuestionStore
from rookery.slack.settings import SlackSettings


class AskingLimits:
    """Counts accepted questions; refused ones do not count."""

    def __init__(self, questions: QuestionStore, settings: SlackSettings) -> None:
        self._questions = questions
        self._settings = settings

    async def refusal(self, question: Written) -> str | None:
        """What to tell the asker when a limit is used up, or None when the question may be answered."""
        user_limit, channel_limit = self._settings.user_limit, self._settings.channel_limit
        if not user_limit and not channel_limit:
            return None
        recent = await self._questions.recent(question, self._settings.limit_window_s)
        if user_limit and recent.by_asker >= user_limit:
            return self._message(f"You have asked {recent.by_asker} questions", recent.asker_age_s)
        if channel_limit and recent.in_channel >= channel_limit:
            return self._message(
                f"This channel has asked {recent.in_channel} questions", recent.channel_age_s
            )
        return None

    def _message(self, who: str, age_s: float) -> str:
        window = self._settings.limit_window_s
        minutes = max(1, round((window - age_s) / 60))
        return (
            f"{who} in the last {round(window / 60) or 1} minutes, which is the limit here. "
            f"Please ask again in about {minutes} minute{'s' if minutes > 1 else ''}."
        )
