"""What goes into a run and what comes out of it: the interface of the agent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from rookery.agent.local_tools import LocalTool
from rookery.traces.records import PendingAction, ToolCall
from rookery.usage import Usage
from rookery_core.identity import Caller
from rookery_core.mcp.sources import Source

StopReason = Literal["answered", "limit", "deadline", "cut", "declined"]
"""answered: the model ended its answer. limit: a limit of the run was reached; the answer says so. deadline: time
was up. cut: the answer reached the model's output limit. declined: the model refused to answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ContextSection:
    """Text that goes to the model beside the question: a thread, a file, who asks.

    text is fenced as foreign unless `trusted`. author and kind label the fence (kind: member, guest, bot,
    file, …). Sections of a higher `priority` are kept whole first when the window is short; `keep` says which
    end of a section survives ("end" for a thread: its newest messages). sources: what the text was drawn from, which
    an answer may cite.
    """

    title: str
    text: str
    author: str = "several people"
    kind: str = "context"
    trusted: bool = False
    priority: int = 0
    keep: Literal["start", "end"] = "start"
    sources: tuple[Source, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """A file for the model's own eyes: an image (image/png, jpeg, gif, webp) or application/pdf."""

    name: str
    media_type: str
    data: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One earlier question and its answer in the same conversation."""

    question: str
    answer: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A question for the agent.

    caller: for whom it is answered; signed and passed to the servers. internal: whether servers marked
    internal_only may take part (False in channels shared with outsiders). tools: tools for this question only. gathered:
    the calls that were made for its sections, which the trace shows before those of the run. values: what templates see
    besides the standard values.
    """

    text: str
    caller: Caller = field(default_factory=Caller)
    sections: tuple[ContextSection, ...] = ()
    attachments: tuple[Attachment, ...] = ()
    history: tuple[Turn, ...] = ()
    trace_id: str | None = None
    internal: bool = True
    tools: tuple[LocalTool, ...] = ()
    gathered: tuple[ToolCall, ...] = ()
    values: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True, slots=True, kw_only=True)
class Citation:
    """A link of the answer and the tool result it came from. number counts from 1 in order of appearance."""

    number: int
    permalink: str
    title: str
    server: str
    tool: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Timings:
    """Where the time of a run went, in milliseconds. own is total less model and tools (which may overlap)."""

    total_ms: float
    model_ms: float
    tools_ms: float
    own_ms: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The answer to a question.

    markdown: checked, final; what was streamed may differ and is to be replaced by it. removed_links: links that
    came from no tool result and were taken out. cost_usd: None when the price of the model is not known.
    warnings: what the reader should know (a server that was down).
    """

    markdown: str
    citations: tuple[Citation, ...]
    tool_calls: tuple[ToolCall, ...]
    usage: Usage
    cost_usd: float | None
    model: str
    extractive: bool
    trace_id: str
    timings: Timings
    removed_links: int = 0
    pending: tuple[PendingAction, ...] = ()
    stop_reason: StopReason = "answered"
    warnings: tuple[str, ...] = ()
