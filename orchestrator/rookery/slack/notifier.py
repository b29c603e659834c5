"""A message that must be posted once, outside of any answer: to a person, about a rule."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rookery_slackapi.errors import SlackRefused, SlackUnavailable
from rookery_slackapi.web import SlackApi

if TYPE_CHECKING:
    from rookery_core.queue.effects import Effects

Json = dict[str, Any]
EVENT_TYPE = "rookery_message"


async def post_once(api: SlackApi, effects: Effects, owner: str, channel: str, message: Json) -> str:
    """Post `message` to `channel` unless `owner` did; answers its ts. Looks before it repeats an unsure post."""
    effect = await effects.intend(owner, "message", {"channel": channel})
    if effect.state == "done":
        return str(effect.receipt["ts"])
    ts = await _find(api, owner, channel) if effect.state == "intended" else None
    if ts is None:
        metadata = {"event_type": EVENT_TYPE, "event_payload": {"owner": owner}}
        try:
            answer = await api(
                "chat.postMessage",
                channel=channel,
                metadata=metadata,
                unfurl_links=False,
                unfurl_media=False,
                **message,
            )
        except (SlackRefused, SlackUnavailable):
            if effect.state == "new":
                await effects.withdraw(effect)
            raise
        ts = str(answer["ts"])
    await effects.receipt(effect, {"ts": ts})
    return ts


async def _find(api: SlackApi, owner: str, channel: str) -> str | None:
    page = await api("conversations.history", channel=channel, limit=100, include_all_metadata="true")
    messages: list[Json] = page.get("messages") or []
    for message in messages:
        metadata: Json = message.get("metadata") or {}
        payload: Json = metadata.get("event_payload") or {}
        if metadata.get("event_type") == EVENT_TYPE and payload.get("owner") == owner:
            return str(message["ts"])
    return None
