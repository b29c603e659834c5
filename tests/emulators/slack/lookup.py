"""Finding what an argument names, refused as Slack refuses it."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any, TypeVar

from emulators.slack.errors import ApiError
from emulators.slack.models import Channel, Json, Message
from emulators.slack.state import Workspace

T = TypeVar("T")


def channel_of(state: Workspace, channel_id: str, *, joined: bool = True) -> Channel:
    """The conversation. A private one the app is not in does not exist for it."""
    channel = state.channels.get(channel_id)
    if channel is None:
        raise ApiError("channel_not_found")
    if state.app.bot_user not in channel.members:
        if channel.kind != "public":
            raise ApiError("channel_not_found")
        if joined:
            raise ApiError("not_in_channel")
    return channel


def own_message(state: Workspace, channel: str, ts: str, *, refusal: str) -> Message:
    message = message_of(state, channel, ts)
    if message.user != state.app.bot_user:
        raise ApiError(refusal)
    return message


def message_of(state: Workspace, channel: str, ts: str) -> Message:
    message = state.messages[channel_of(state, channel).id].get(ts)
    if message is None:
        raise ApiError("message_not_found")
    return message


def page(items: Sequence[T], arguments: Json, *, default: int, most: int = 1000) -> tuple[list[T], str]:
    """A page of the items and the cursor of the next one ("" at the end)."""
    limit = min(int(arguments.get("limit") or default), most)
    if limit < 1:
        raise ApiError("invalid_limit")
    start = _offset(arguments.get("cursor"))
    chosen = list(items[start : start + limit])
    more = start + limit < len(items)
    return chosen, base64.b64encode(f"offset:{start + limit}".encode()).decode() if more else ""


def _offset(cursor: Any) -> int:
    if not cursor:
        return 0
    try:
        kind, _, offset = base64.b64decode(str(cursor), validate=True).decode().partition(":")
        if kind == "offset":
            return int(offset)
    except ValueError:
        pass
    raise ApiError("invalid_cursor")


def paged(key: str, items: list[Any], cursor: str) -> Json:
    return {key: items, "response_metadata": {"next_cursor": cursor}}
