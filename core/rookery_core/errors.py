"""Every error Rookery raises on purpose, classed by who must act on it.

The docstring of a class is its message when none is given. `hint` is the remedy; `candidates` are values
that would have worked; `retry_after_s` is in seconds. Tools answer with `as_answer()`; commands print
`str(error)` and exit with `exit_status`; over REST the status is `http_status`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar


class RookeryError(Exception):
    """Something went wrong in Rookery."""

    code: ClassVar[str] = "error"
    exit_status: ClassVar[int] = 1
    http_status: ClassVar[int] = 500

    def __init__(
        self,
        message: str | None = None,
        *,
        hint: str | None = None,
        candidates: Sequence[str] = (),
        retry_after_s: float | None = None,
    ) -> None:
        self.message = message or " ".join((type(self).__doc__ or "").split())
        self.hint = hint
        self.candidates = tuple(candidates)
        self.retry_after_s = retry_after_s
        super().__init__(self.message)

    @property
    def remedy(self) -> str:
        """What to do, in a sentence or two; empty when nothing is known."""
        meant = f"Did you mean: {', '.join(self.candidates)}?" if self.candidates else ""
        return " ".join(filter(None, (meant, self.hint)))

    def __str__(self) -> str:
        return " ".join(filter(None, (self.message, self.remedy)))

    def as_answer(self) -> dict[str, Any]:
        """The error as a tool answers it: code, message, and what helps the model to go on."""
        answer: dict[str, Any] = {"code": self.code, "message": self.message}
        if self.hint:
            answer["hint"] = self.hint
        if self.candidates:
            answer["candidates"] = list(self.candidates)
        if self.retry_after_s is not None:
            answer["retry_after_s"] = round(self.retry_after_s, 3)
        return answer


def unforeseen(error: BaseException) -> BaseException | None:
    """The error, for `exc_info` of a log line, where nobody foresaw it; None for one of ours, which says all there is."""
    return None if isinstance(error, RookeryError) else error


class ConfigurationError(RookeryError):
    """A setting is missing or wrong; the operator must change it."""

    code = "configuration"
    exit_status = 2


class InvalidInput(RookeryError):
    """An argument is not acceptable; the caller must send another."""

    code = "invalid_input"
    exit_status = 2
    http_status = 400


class NotFound(RookeryError):
    """Nothing by that name exists, or the asker may not see it."""

    code = "not_found"
    http_status = 404


class NotAllowed(RookeryError):
    """The asker may not do that."""

    code = "not_allowed"
    http_status = 403


class Conflict(RookeryError):
    """The state has changed since it was read; read it again and decide again."""

    code = "conflict"
    http_status = 409


class Unavailable(RookeryError):
    """Something needed for this is not reachable just now; the same call may work later."""

    code = "unavailable"
    exit_status = 69  # EX_UNAVAILABLE
    http_status = 503


class DatabaseStarting(Unavailable):
    """The database is starting; the first start creates it and can take several seconds."""

    code = "database_starting"

    def __init__(self, message: str | None = None, *, retry_after_s: float = 3.0) -> None:
        super().__init__(message, hint="Call again after retry_after_s.", retry_after_s=retry_after_s)


class RateLimited(Unavailable):
    """A limit is used up; the same call works after retry_after_s."""

    code = "rate_limited"
    http_status = 429
