"""Slack's errors: one class for each thing that a caller can do about them, and one table of Slack's codes."""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple

from rookery_core.errors import ConfigurationError, NotAllowed, RateLimited, RookeryError, Unavailable


class SlackRefused(NotAllowed):
    """Slack refused the call; the same call will be refused again."""

    code = "slack_refused"

    def __init__(self, method: str, reason: str, *, hint: str | None = None) -> None:
        super().__init__(f"Slack refused {method}: {reason}.", hint=hint)
        self.method = method
        self.reason = reason


class SlackScopeMissing(SlackRefused, ConfigurationError):
    """The token lacks a scope that the call needs."""

    def __init__(self, method: str, reason: str, *, needed: str | None = None) -> None:
        scope = f"the scope {needed}" if needed else "a scope"
        hint = f"Give the app {scope} and install it again."
        super().__init__(method, f"{reason}, the token lacks {scope}", hint=hint)
        self.reason = reason


class SlackUnavailable(Unavailable):
    """Slack did nothing, and the same call may work later: no connection, or an outage before the call took effect."""

    code = "slack_unavailable"


class SlackRateLimited(SlackUnavailable, RateLimited):
    """Slack limits the call, and did nothing."""

    code = "rate_limited"


class SlackLockedOut(SlackUnavailable, ConfigurationError):
    """Slack does not accept the token: the app must be installed again, or the token replaced."""

    code = "slack_locked_out"
    exit_status = 2

    def __init__(self, reason: str) -> None:
        hint = (
            "Install the app again, and copy its token from the page OAuth & Permissions to SLACK_BOT_TOKEN."
        )
        super().__init__(f"Slack refuses the token: {reason}.", hint=hint, retry_after_s=60.0)
        self.reason = reason


class SlackUncertain(Unavailable):
    """The connection broke after the call was sent: whether it took effect is unknown."""

    code = "slack_uncertain"


class Effect(Enum):
    """What a code says about the call that got it."""

    REFUSED = "nothing was done, and never will be"
    LOCKED_OUT = "nothing was done, and nothing will be under this token"
    LIMITED = "nothing was done, a limit is used up"
    NOT_DONE = "nothing was done, for now"
    UNKNOWN = "some of it may have been done"


class Meaning(NamedTuple):
    """effect: of the call. remedy: for the person who reads the error. retry_after_s: where Slack gives no time."""

    effect: Effect
    remedy: str | None = None
    retry_after_s: float | None = None


_INVITE = "Invite the bot to the channel, and check that the token is of this workspace."
CODES: dict[str, Meaning] = {
    "invalid_auth": Meaning(Effect.LOCKED_OUT),
    "not_authed": Meaning(Effect.LOCKED_OUT),
    "account_inactive": Meaning(Effect.LOCKED_OUT),
    "token_revoked": Meaning(Effect.LOCKED_OUT),
    "token_expired": Meaning(Effect.LOCKED_OUT),
    "org_login_required": Meaning(Effect.LOCKED_OUT),
    "ratelimited": Meaning(Effect.LIMITED),
    "rate_limited": Meaning(Effect.LIMITED),
    "message_limit_exceeded": Meaning(Effect.LIMITED, retry_after_s=60.0),
    "service_unavailable": Meaning(Effect.NOT_DONE),
    "request_timeout": Meaning(Effect.NOT_DONE),
    "team_added_to_org": Meaning(Effect.NOT_DONE),
    "internal_error": Meaning(Effect.UNKNOWN),  # Slack: "some aspect of the operation" may have succeeded
    "fatal_error": Meaning(Effect.UNKNOWN),
    "": Meaning(Effect.UNKNOWN),  # without a code it was not Slack that answered
    "already_reacted": Meaning(Effect.REFUSED, "The reaction is there already."),
    "cant_delete_message": Meaning(Effect.REFUSED, "An app deletes its own messages only."),
    "cant_update_message": Meaning(Effect.REFUSED, "An app edits its own messages only."),
    "channel_not_found": Meaning(Effect.REFUSED, _INVITE),
    "invalid_name": Meaning(Effect.REFUSED, "Slack has no emoji with this name."),
    "is_archived": Meaning(Effect.REFUSED, "The channel is archived: unarchive it, or choose another one."),
    "message_not_found": Meaning(Effect.REFUSED, "The message was deleted, or the link is wrong."),
    "msg_too_long": Meaning(Effect.REFUSED, "Shorten the text."),
    "no_text": Meaning(Effect.REFUSED, "Give the message a text."),
    "not_in_channel": Meaning(Effect.REFUSED, "Invite the bot to the channel."),
    "restricted_action": Meaning(Effect.REFUSED, "An administrator restricts who may post there."),
    "too_many_reactions": Meaning(
        Effect.REFUSED, "The message has as many kinds of reactions as it can have."
    ),
}
"""Codes that are not here are refusals without a known remedy."""


def meaning_of(code: str, status: int) -> Meaning:
    """What an answer means. code: "" where there is none. status: of the HTTP answer."""
    if status == 429:
        return CODES["ratelimited"]
    known = CODES.get(code)
    if known is None and status >= 500:
        return CODES[""]
    return known or Meaning(Effect.REFUSED)


def error_of(
    method: str, code: str, status: int, *, retry_after_s: float | None = None, needed: str | None = None
) -> RookeryError:
    """The error for an answer that is not ok. retry_after_s: as Slack says. needed: the missing scope."""
    meaning = meaning_of(code, status)
    reason = code or f"HTTP {status}"
    if meaning.effect is Effect.LOCKED_OUT:
        return SlackLockedOut(code)
    if meaning.effect is Effect.LIMITED:
        wait_s = meaning.retry_after_s if retry_after_s is None else retry_after_s
        return SlackRateLimited(f"Slack limits {method}.", retry_after_s=wait_s)
    if meaning.effect is Effect.NOT_DONE:
        return SlackUnavailable(f"Slack could not carry out {method}: {reason}.", retry_after_s=retry_after_s)
    if meaning.effect is Effect.UNKNOWN:
        return outcome_unknown(method, reason)
    if code == "missing_scope":
        return SlackScopeMissing(method, code, needed=needed)
    return SlackRefused(method, code, hint=meaning.remedy)


def outcome_unknown(method: str, reason: str) -> SlackUncertain:
    """The error for a call that may have taken effect."""
    return SlackUncertain(
        f"Slack's answer to {method} was lost ({reason}): whether it was done is unknown.",
        hint="Look in Slack before you try again.",
    )
