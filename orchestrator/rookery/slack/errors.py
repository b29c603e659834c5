"""How Slack says no, classed by what the bot may do about it."""

from __future__ import annotations

from rookery_core.errors import RookeryError, Unavailable


class SlackRefused(RookeryError):
    """Slack refused the call; the same call will be refused again."""

    code = "slack_refused"

    def __init__(self, method: str, reason: str, *, needed: str | None = None) -> None:
        hint = f"Give the app the scope {needed} and install it again." if needed else None
        super().__init__(f"Slack refused {method}: {reason}.", hint=hint)
        self.method = method
        self.reason = reason


class ThreadHidden(SlackRefused):
    """Slack does not show the thread in which the answer may be: posting it might make two."""


class SlackUnavailable(Unavailable):
    """Slack did not do it, and may do it later: a rate limit, an outage before the call took effect."""

    code = "slack_unavailable"


class SlackLockedOut(SlackUnavailable):
    """Slack does not accept the bot's token: nothing can be done until somebody has installed the app again."""

    code = "slack_locked_out"

    def __init__(self, reason: str) -> None:
        super().__init__(f"Slack does not accept the token: {reason}.", retry_after_s=60.0)
        self.reason = reason


class SlackUncertain(Unavailable):
    """The connection broke after the call was sent: it may have taken effect or not."""

    code = "slack_uncertain"
