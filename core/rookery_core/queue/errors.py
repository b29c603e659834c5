"""What a handler raises to say how its failure is to be treated, and what the queue raises when a lease is lost."""

from __future__ import annotations

from rookery_core.errors import Conflict


class PermanentFailure(Exception):
    """Another attempt cannot succeed: the event becomes a dead letter at once, with this reason."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


class RetryLater(Exception):
    """Try again after `delay_s` seconds instead of the subscription's backoff.

    counts: whether this consumes an attempt. False is for waiting that is not a failure, such as a rate limit: the
    event then never runs out of attempts, it only ends when its time to live is exceeded.
    """

    def __init__(
        self, delay_s: float, reason: str = "the handler asked for a retry", *, counts: bool = True
    ) -> None:
        self.delay_s = max(0.0, delay_s)
        self.reason = reason
        self.counts = counts
        super().__init__(reason)


class LeaseLost(Conflict):
    """The lease on this event is lost: it expired and another claim has it, or the event was finished. Undo what you can."""

    code = "lease_lost"

    @classmethod
    def of(cls, event_id: int) -> LeaseLost:
        """The error for one event."""
        return cls(f"Event {event_id} is no longer leased to this claim.")


class EventCancelled(Exception):
    """Raised in a handler by `Attempt.check()` after an operator asked to cancel the event."""
