"""The bot's own class of refusal, beside those of rookery_slackapi.errors."""

from __future__ import annotations

from rookery_slackapi.errors import SlackRefused


class ThreadHidden(SlackRefused):
    """Slack does not show the thread in which the answer may be: posting it might make two."""
