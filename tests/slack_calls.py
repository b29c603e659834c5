"""Every reading tool, called as a server would, and its answer as bytes."""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from rookery_core.errors import RookeryError
from rookery_core.identity import Caller, acting_as
from rookery_slack.server import tools
from rookery_slack.settings import SlackSettings

if TYPE_CHECKING:
    from rookery_slack.store.session import Store

NOW = datetime(2026, 6, 1, tzinfo=UTC)
_NONCE = re.compile(r"untrusted [0-9a-f]{12}")


def by_name(store: Store, settings: SlackSettings) -> dict[str, Callable[..., Awaitable[Any]]]:
    """The tools as plain functions."""
    return {each.name: each.fn for each in tools(store, settings, clock=lambda: NOW)}


async def answer(tool: Callable[..., Awaitable[Any]], caller: Caller, **arguments: Any) -> str:
    """The answer (or the error) as text; fences without their nonce, which differs from call to call."""
    with acting_as(caller):
        try:
            found = await tool(**arguments)
        except RookeryError as error:
            found = {"error": error.as_answer()}
    return _NONCE.sub("untrusted NONCE", json.dumps(found, ensure_ascii=False, sort_keys=True))
