"""What the trace of a run consists of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from rookery.usage import Usage


@dataclass(slots=True, kw_only=True)
class ModelCall:
    """One request to a model, for the trace. model and asked: as in a ModelReply."""

    model: str
    asked: str = ""
    duration_ms: float
    usage: Usage
    stop: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCall:
    """One tool call of the run. state: ok, error (the tool's own), failed (never answered), refused, pending."""

    server: str
    tool: str
    arguments: Mapping[str, Any]
    state: Literal["ok", "error", "failed", "refused", "pending"]
    duration_ms: float
    result_tokens: int = 0
    summary: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingAction:
    """A writing tool call that waits for the asker's yes. `run_confirmed` performs exactly this call, once."""

    id: str
    server: str
    tool: str
    arguments: Mapping[str, Any]
    reason: str
    trace_id: str
    user: str | None = None

    def describe(self) -> str:
        """The call in one line, for the person who confirms it. What is not shown is counted."""
        shown = ", ".join(f"{_name(name)}={_short(value)}" for name, value in self.arguments.items())
        return f"{self.server}: {self.tool}({shown})"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunResult:
    """How a run ended: the answer with its citations, its cost, and where the time went (milliseconds)."""

    trace_id: str
    answer: str
    citations: Sequence[Mapping[str, Any]]
    model: str
    extractive: bool
    stop_reason: str
    usage: Usage
    cost_usd: float | None
    total_ms: float
    model_ms: float
    tools_ms: float
    removed_links: int
    model_calls: Sequence[ModelCall]
    tool_calls: Sequence[ToolCall]
    pending: Sequence[PendingAction]


def _name(name: str) -> str:
    return name if name.isidentifier() and name.isascii() else repr(name)


def _short(value: Any, head: int = 320, tail: int = 80) -> str:
    text = repr(value)
    left = len(text) - head - tail
    return text if left <= 0 else f"{text[:head]}… {left:,} characters not shown …{text[-tail:]}"
