"""What a failing tool answers: one JSON object that tells the model what to do next, never a traceback."""

from __future__ import annotations

import functools
import json
from collections.abc import Awaitable, Callable
from typing import Any

from fastmcp.exceptions import ToolError

from rookery_core.errors import RookeryError
from rookery_core.telemetry import get_logger, trace_id

logger = get_logger(__name__)
_QUIET = 10  # logging.DEBUG: fastmcp would log each refused call again


class AnsweredError(ToolError):
    """A failed call: `answer` is the error as the client receives it, `status` that of HTTP."""

    def __init__(self, answer: dict[str, Any], status: int) -> None:
        super().__init__(json.dumps(answer, ensure_ascii=False), log_level=_QUIET)
        self.answer = answer
        self.status = status


def answering_failures(fn: Callable[..., Awaitable[Any]], name: str) -> Callable[..., Awaitable[Any]]:
    """`fn`, with its errors turned into answers. Signature, annotations and docstring stay."""

    @functools.wraps(fn)
    async def call(*args: Any, **kwargs: Any) -> Any:
        try:
            return await fn(*args, **kwargs)
        except ToolError:
            raise
        except RookeryError as error:
            logger.info("%s answered %s: %s", name, error.code, error)
            raise tool_error(error) from None
        except Exception as error:
            logger.error("%s failed: %s: %s", name, type(error).__name__, error)
            logger.debug("where %s failed", name, exc_info=True)
            raise internal_error(name) from error

    return call


def tool_error(error: RookeryError) -> AnsweredError:
    """A RookeryError as the wire carries it."""
    return AnsweredError(error.as_answer(), error.http_status)


def internal_error(name: str) -> AnsweredError:
    """An unexpected failure: the details are in the server's log under the trace id."""
    answer = {
        "code": "internal",
        "message": f"{name} failed unexpectedly; nothing was changed by this answer.",
        "hint": "Trying once more is fine. If it fails again, report the trace_id to the operator.",
        "trace_id": trace_id(),
    }
    return AnsweredError(answer, RookeryError.http_status)
