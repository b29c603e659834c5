"""What a check found."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

from rookery.settings import AgentSettings
from rookery_core.errors import RookeryError

State = Literal["ok", "warn", "fail"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report. remedy: what to do, when it is not ok."""

    area: str
    state: State
    message: str
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Examined:
    """What checks look at. live: outside services may be asked whether they accept the tokens."""

    settings: AgentSettings
    live: bool = False


Check = Callable[[Examined], Awaitable[list[Finding]]]


def failed(area: str, error: Exception, remedy: str = "") -> Finding:
    """An error as a finding."""
    message = error.message if isinstance(error, RookeryError) else f"{type(error).__name__}: {error}"
    told = error.remedy if isinstance(error, RookeryError) else ""
    return Finding(area, "fail", message.rstrip("."), told or remedy)


@contextmanager
def stopwatch() -> Generator[Callable[[], str]]:
    """Gives a function that says how long the block has taken so far."""
    started = time.perf_counter()
    yield lambda: f"{(time.perf_counter() - started) * 1e3:.0f} ms"
