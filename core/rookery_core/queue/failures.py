"""What a handler raises to say how its failure is to be taken, and what the queue raises when a lease is gone."""

from __future__ import annotations

from rookery_core.errors import Conflict


class PermanentFailure(Exception):
    """Another attempt cannot help: the event goes to the dead letters at once, with this reason."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


class RetryLater(Exception):
    """Try again after `delay_s` seconds, whatever the back-off says.

    counts: whether this was an attempt. False is for waiting that is nobody's failure, such as a rate limit:
    such an event is never given up for its attempts, only when it expires.
    """

    def __init__(self, delay_s: float, reason: str = "asked to be run later", *, counts: bool = True) -> None:
        self.delay_s = max(0.0, delay_s)
        self.reason = reason
        self.counts = counts
        super().__init__(reason)


class LeaseLost(Conflict):
    """The lease on this event is gone: it ran out and somebody else has it, or it was settled. Undo what you can."""

    code = "lease_lost"

    @classmethod
    def of(cls, event_id: int) -> LeaseLost:
        """The one that says which event it is."""
        return cls(f"Event {event_id} is no longer leased to this claim.")


class EventCancelled(Exception):
    """Raised inside a handler by `Attempt.check()` when an operator asked for the event to be cancelled."""
