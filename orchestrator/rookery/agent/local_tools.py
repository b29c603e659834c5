"""Tools that the orchestrator brings itself, beside those of the servers."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from rookery_core.errors import InvalidInput

Handler = Callable[[Mapping[str, Any]], Awaitable[Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalTool:
    """A tool that runs in this process.

    parameters: JSON schema of an object. run: gets the arguments and returns text or a JSON value; a RookeryError
    that it raises is shown to the model. read_only=False: needs the asker's confirmation once foreign text was
    read. internal_only: off for questions from channels shared with outsiders. foreign: whether its answer
    contains words of other people, to be fenced like a server's.
    """

    name: str
    description: str
    parameters: Mapping[str, Any]
    run: Handler
    read_only: bool = True
    internal_only: bool = True
    foreign: bool = True
    timeout_s: float = 30.0


def as_text(value: Any) -> str:
    """The answer of a local tool as the model reads it."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def required(arguments: Mapping[str, Any], name: str) -> str:
    """A text argument that must be there. Raises InvalidInput that names it."""
    value = arguments.get(name)
    if not isinstance(value, str) or not value.strip():
        raise InvalidInput(f"{name} is missing.", hint=f"Call again with {name} as text.")
    return value
