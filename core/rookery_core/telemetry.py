"""Trace ids, logs and spans. One question keeps one trace id through Slack, queue rows, MCP calls and log lines.

Logs go to stderr only: stdout belongs to the MCP wire and to what commands print.
"""

from __future__ import annotations

import json
import logging
import re
import secrets
import sys
from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any, Protocol

from rookery_core import spans

TRACE_META_KEY = "rookery/trace"
"""The key of the trace id in `_meta` of an MCP request. W3C trace context is read where it is missing."""
TRACEPARENT = "traceparent"


class LogSettings(Protocol):
    """How to log: the part of `CoreSettings` that is read here, so that settings can log while they are read."""

    @property
    def log_level(self) -> str: ...

    @property
    def log_format(self) -> str: ...


_trace_id: ContextVar[str | None] = ContextVar("rookery_trace_id", default=None)


def new_trace_id() -> str:
    """32 hexadecimal digits, as W3C trace context and OpenTelemetry have them."""
    return secrets.token_hex(16)


def trace_id() -> str | None:
    """The trace id of what is running now, or None outside of any."""
    return _trace_id.get()


@contextmanager
def tracing(trace: str | None = None) -> Generator[str]:
    """Run the block under `trace`, or under that of the current span, or under a new trace id."""
    value = trace or spans.current_trace() or new_trace_id()
    spans.note_trace(value)
    token = _trace_id.set(value)
    try:
        yield value
    finally:
        _trace_id.reset(token)


def traceparent(trace: str) -> str | None:
    """W3C trace context for a request that belongs to `trace`; None where the id has no W3C form."""
    return f"00-{trace}-{secrets.token_hex(8)}-01" if spans.is_w3c(trace) else None


def trace_id_of(meta: Any) -> str | None:
    """The trace id that a request's `_meta` carries: ours, else that of a W3C traceparent, else None."""
    if not hasattr(meta, "get"):
        return None
    own = meta.get(TRACE_META_KEY)
    if isinstance(own, str) and 0 < len(own) <= 64 and own.isalnum():
        return own
    parent = meta.get(TRACEPARENT)
    if isinstance(parent, str) and len(parts := parent.split("-")) == 4 and spans.is_w3c(parts[1]):
        return parts[1]
    return None


def get_logger(name: str) -> logging.Logger:
    """A logger under `rookery`, so that one setting governs all: `rookery_core.queue` logs as `rookery.core.queue`."""
    return logging.getLogger("rookery." + name.removeprefix("rookery_").removeprefix("rookery."))


class _TraceFilter(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        record.trace = trace_id() or "-"
        return True


_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


def escape_controls(text: str) -> str:
    r"""`text` with each control character and line separator as its escape, such as `\x1b`."""
    return _CONTROL.sub(lambda found: ascii(found[0])[1:-1], text)


class _TextFormatter(logging.Formatter):
    """One line for each message; the lines of a traceback are indented, so that none passes for a message."""

    def formatMessage(self, record: logging.LogRecord) -> str:
        record.message = escape_controls(record.message)
        return super().formatMessage(record)

    def formatException(self, ei: Any) -> str:
        lines = super().formatException(ei).split("\n")
        return "\n".join(f"  {escape_controls(line)}" for line in lines)


class _JsonFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": self.formatTime(record, "%Y-%m-%dT%H:%M:%S%z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "trace_id": getattr(record, "trace", "-"),
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return _CONTROL.sub(lambda found: f"\\u{ord(found[0]):04x}", json.dumps(line, ensure_ascii=False))


def configure_telemetry(settings: LogSettings) -> None:
    """Send every log line to stderr, as the settings say, and spans where the environment says.

    Replaces earlier handlers of logs.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.addFilter(_TraceFilter())
    handler.setFormatter(
        _JsonFormatter()
        if settings.log_format == "json"
        else _TextFormatter("%(asctime)s %(levelname)-7s %(name)s [%(trace)s] %(message)s")
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("rookery").setLevel(settings.log_level.upper())
    # fastmcp logs a line for each failed call; the middleware already does, with the trace id.
    logging.getLogger("fastmcp").setLevel(logging.CRITICAL)
    spans.export(Path(sys.argv[0]).stem, trace_id)
