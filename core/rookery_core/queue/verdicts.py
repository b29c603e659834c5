"""What becomes of an event once its handler has ended."""

from __future__ import annotations

from typing import Protocol

from rookery_core import telemetry
from rookery_core.errors import unforeseen
from rookery_core.queue.failures import EventCancelled, LeaseLost, PermanentFailure, RetryLater
from rookery_core.queue.flight import Flight
from rookery_core.queue.model import Subscription

_log = telemetry.get_logger(__name__)
_LONGEST_ERROR = 2_000


class Verdicts(Protocol):
    """Who is told what became of an event."""

    def left(self, flight: Flight, outcome: str, error: str | None = None) -> None:
        """It is to leave the queue; `settled`: it left by a transaction of its handler."""
        ...

    def returned(
        self, flight: Flight, delay_s: float | None, error: str | None, *, refund: bool = False
    ) -> None:
        """It goes back, after delay_s (None: the back-off). refund: the attempt does not count."""
        ...


def judge(flight: Flight, error: BaseException | None, policy: Subscription, verdicts: Verdicts) -> bool:
    """Tell what became of an event; whether those behind it may go on. error: what its handler raised, if anything.

    A revoked event that settled nevertheless is settled.
    """
    if flight.attempt.settled:
        if error is not None:
            _log.warning("event %s was complete when its handler failed: %s", flight.event.id, error)
        verdicts.left(flight, "settled")
        return True
    if flight.revoked == "lost" or isinstance(error, LeaseLost):
        _log.warning("event %s was lost to another worker and stopped here", flight.event.id)
        return False
    if flight.revoked == "stopped":
        verdicts.returned(flight, 0.0, None, refund=True)
        return False
    if error is None and flight.revoked is None:
        verdicts.left(flight, "done")
        return True
    if flight.revoked == "cancelled" or isinstance(error, EventCancelled):
        verdicts.left(flight, "cancelled")
        return True
    assert error is not None
    return _failed(flight, error, policy, verdicts)


def _failed(flight: Flight, error: BaseException, policy: Subscription, verdicts: Verdicts) -> bool:
    event, text = flight.event, _describe(error)
    _log.warning(
        "event %s of %s failed in attempt %s: %s", event.id, event.subscription, event.attempt, text,
        exc_info=None if isinstance(error, PermanentFailure | RetryLater) else unforeseen(error),
    )  # fmt: skip
    counts = not isinstance(error, RetryLater) or error.counts
    if isinstance(error, PermanentFailure) or (counts and event.attempt >= policy.max_attempts):
        verdicts.left(flight, "failed" if isinstance(error, PermanentFailure) else "exhausted", text)
        return policy.on_dead == "continue"
    delay_s = error.delay_s if isinstance(error, RetryLater) else None
    verdicts.returned(flight, delay_s, text, refund=not counts)
    return False


def _describe(error: BaseException) -> str:
    """An error as it is kept with the event: its kind and message, cut to a bearable length."""
    reason = (
        error.reason
        if isinstance(error, PermanentFailure | RetryLater)
        else f"{type(error).__name__}: {error}"
    )
    return reason.replace("\x00", "�")[:_LONGEST_ERROR]
