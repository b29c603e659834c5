"""One protocol for every model: what is sent, what streams back, what comes back, and how it fails."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from rookery.usage import Usage
from rookery_core.errors import RookeryError, Unavailable


@dataclass(frozen=True, slots=True)
class Text:
    """Words of the asker or of the model."""

    text: str


@dataclass(frozen=True, slots=True)
class ToolUse:
    """The model asks for a tool call. problem: why its arguments could not be read, when they could not."""

    id: str
    name: str
    arguments: Mapping[str, Any]
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class ToolResult:
    """The answer to a ToolUse. text is what a language model reads; `structured` serves the extractive answerer."""

    id: str
    name: str
    text: str
    is_error: bool = False
    structured: Any = None


@dataclass(frozen=True, slots=True)
class Thinking:
    """A block of the model's reasoning in its provider's own form; it goes back unchanged, and to nobody else."""

    provider: str
    raw: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Media:
    """An image or a PDF."""

    name: str
    media_type: str
    data: bytes


Block = Text | ToolUse | ToolResult | Thinking | Media


@dataclass(frozen=True, slots=True)
class ChatMessage:
    """One turn. Tool results travel in a user's message."""

    role: Literal["user", "assistant"]
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class ToolDefinition:
    """A tool as the model sees it. parameters is its JSON schema."""

    name: str
    description: str
    parameters: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRequest:
    """What a model is asked. question: the asker's bare words, for models that read no prompt. thinking: off,
    adaptive, or a number of tokens."""

    system: str
    messages: Sequence[ChatMessage]
    tools: Sequence[ToolDefinition]
    max_output_tokens: int
    thinking: str = "off"
    question: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelReply:
    """What a model answered. stop: why it ended. model: the name the provider reports. asked: the name it was asked by,
    where a chain asked."""

    blocks: tuple[Block, ...]
    stop: Literal["end", "tool_use", "max_tokens", "refusal"]
    usage: Usage
    model: str
    asked: str = ""

    @property
    def text(self) -> str:
        return "".join(block.text for block in self.blocks if isinstance(block, Text))

    @property
    def tool_uses(self) -> tuple[ToolUse, ...]:
        return tuple(block for block in self.blocks if isinstance(block, ToolUse))


@dataclass(slots=True)
class Listener:
    """Hears a reply while it is made. `restart` says: forget the text of this reply, it begins again."""

    text: Callable[[str], Awaitable[None]]
    tool: Callable[[str], Awaitable[None]]
    restart: Callable[[], Awaitable[None]]


class Model(Protocol):
    """A model. `name` is `provider:model`; `context_tokens` its window; `extractive`: it quotes, it does not write."""

    @property
    def name(self) -> str: ...

    @property
    def context_tokens(self) -> int: ...

    @property
    def extractive(self) -> bool: ...

    async def reply(self, request: ModelRequest, listener: Listener) -> ModelReply:
        """Answer once. Raises a ModelError."""
        ...

    async def close(self) -> None: ...


class ModelError(RookeryError):
    """The model did not answer."""

    code = "model"


class ModelOverloaded(ModelError, Unavailable):
    """The model's provider is overloaded or limits the rate; the same request may work later."""

    code = "model_overloaded"


class ModelUnreachable(ModelError, Unavailable):
    """The model's provider cannot be reached, broke off its answer, or failed on its side."""

    code = "model_unreachable"


class ModelRefusedRequest(ModelError):
    """The model's provider does not accept the request; repeating it does not help."""

    code = "model_refused"


class ModelKeyRefused(ModelRefusedRequest):
    """The model's provider does not accept the key."""

    code = "model_key"


class ContextTooLong(ModelRefusedRequest):
    """The request is longer than the model's window."""

    code = "context_too_long"
