"""Messages outside of answers: posted once to a channel or a person, or shown to one person only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rookery_core.errors import RookeryError
from rookery_core.telemetry import get_logger
from rookery_slackapi.errors import SlackRefused, SlackUnavailable
from rookery_slackapi.web import SlackApi

if TYPE_CHECKING:
    from rookery_core.queue.effects import Effects

Json = dict[str, Any]
EVENT_TYPE = "rookery_message"
logger = get_logger(__name__)


class Notifier:
    """Posts each message at most once. The effect ledger and the message's metadata tell whether it was posted."""

    def __init__(self, api: SlackApi, effects: Effects) -> None:
        self._api = api
        self._effects = effects

    async def send_direct(self, owner: str, user: str, message: Json) -> None:
        """Post `message` to a person's direct messages unless `owner` did."""
        opened = await self._api("conversations.open", users=user)
        await self.post_once(owner, opened["channel"]["id"], message)

    async def post_once(self, owner: str, channel: str, message: Json) -> str:
        """Post `message` to `channel` unless `owner` did; returns its ts. An uncertain post is looked up first."""
        effect = await self._effects.intend(owner, "message", {"channel": channel})
        if effect.state == "done":
            return str(effect.receipt["ts"])
        ts = await self._find_posted(owner, channel) if effect.state == "intended" else None
        if ts is None:
            try:
                ts = await self._post(owner, channel, message)
            except (SlackRefused, SlackUnavailable):
                if effect.state == "new":
                    await self._effects.withdraw(effect)
                raise
        await self._effects.receipt(effect, {"ts": ts})
        return ts

    async def post_unrepeated(self, owner: str, channel: str, thread_ts: str, text: str) -> None:
        """Post `text` in a thread at most once: an attempt whose outcome is unknown is not repeated."""
        effect = await self._effects.intend(owner, "told")
        if effect.state == "new":
            ts = await self._post(owner, channel, {"thread_ts": thread_ts, "text": text})
            await self._effects.receipt(effect, {"ts": ts})

    async def show_to(self, user: str, channel: str, text: str, **message: Any) -> None:
        """Show a message that only `user` sees. Nothing is lost when Slack does not take it."""
        await self.try_call("chat.postEphemeral", channel=channel, user=user, text=text, **message)

    async def try_call(self, method: str, **arguments: Any) -> bool:
        """Call a method whose failure costs nothing; False when it failed."""
        try:
            await self._api(method, wait=False, **arguments)
        except RookeryError as error:
            logger.info("%s", error)
            return False
        return True

    async def _post(self, owner: str, channel: str, message: Json) -> str:
        metadata = {"event_type": EVENT_TYPE, "event_payload": {"owner": owner}}
        answer = await self._api(
            "chat.postMessage",
            channel=channel,
            metadata=metadata,
            unfurl_links=False,
            unfurl_media=False,
            **message,
        )
        return str(answer["ts"])

    async def _find_posted(self, owner: str, channel: str) -> str | None:
        page = await self._api(
            "conversations.history", channel=channel, limit=100, include_all_metadata="true"
        )
        messages: list[Json] = page.get("messages") or []
        for message in messages:
            metadata: Json = message.get("metadata") or {}
            payload: Json = metadata.get("event_payload") or {}
            if metadata.get("event_type") == EVENT_TYPE and payload.get("owner") == owner:
                return str(message["ts"])
        return None
