"""Buttons, forms and slash commands: done before they are acknowledged, because a person waits for them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from rookery.slack import blocks as block
from rookery.slack.feedback import place_of
from rookery_core.errors import RookeryError
from rookery_core.telemetry import get_logger

if TYPE_CHECKING:
    from rookery.slack.services import Services

Json = dict[str, Any]
Press = Callable[[Json, Json], Awaitable[None]]
_log = get_logger(__name__)


class Interactions:
    """Handles what people click, fill in and type."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._buttons: dict[str, Press] = {
            block.FEEDBACK_UP: self._up,
            block.FEEDBACK_DOWN: self._down,
            block.FEEDBACK_TEXT: self._open_comment,
        }

    async def handle(self, kind: str, payload: Json) -> Json | None:
        """Do what was asked; answers the payload of the acknowledgement."""
        if payload.get("type") == "block_actions":
            actions: list[Json] = payload.get("actions") or []
            for action in actions:
                await self._pressed(payload, action)
        elif payload.get("type") == "view_submission":
            await self._submitted(payload)
        return None

    async def _pressed(self, payload: Json, action: Json) -> None:
        press = self._buttons.get(str(action.get("action_id")))
        if press is not None:
            await press(payload, action)

    async def _up(self, payload: Json, action: Json) -> None:
        await self._services.feedback.rate(str(action["value"]), user_of(payload), 1)
        await self._thank(payload, "Thank you, noted.")

    async def _down(self, payload: Json, action: Json) -> None:
        await self._services.feedback.rate(str(action["value"]), user_of(payload), -1)
        await self._thank(payload, "Thank you, noted. The button Comment takes what was wrong.")

    async def _open_comment(self, payload: Json, action: Json) -> None:
        # A trigger is good for three seconds and once: there is nothing to store or repeat.
        await self._services.api(
            "views.open",
            wait=False,
            trigger_id=payload["trigger_id"],
            view=block.comment_form(str(action["value"])),
        )

    async def _submitted(self, payload: Json) -> None:
        view: Json = payload.get("view") or {}
        if view.get("callback_id") != block.FEEDBACK_TEXT:
            return
        text = _typed(view, "comment", "text")
        if not text:
            return
        reference, user = str(view.get("private_metadata")), user_of(payload)
        await self._services.feedback.comment(reference, user, text)
        await self._forward(reference, user, text)

    async def _forward(self, reference: str, user: str, text: str) -> None:
        channel = self._services.settings.feedback_channel
        if not channel:
            return
        asked_in, ts = place_of(reference)
        link = f"{self._services.identity.url}archives/{asked_in}/p{ts.replace('.', '')}"
        quoted = "\n".join("> " + line for line in text.splitlines())
        await self.quietly(
            "chat.postMessage",
            channel=channel,
            text=f"<@{user}> about <{link}|an answer>:\n{quoted}",
            unfurl_links=False,
        )

    async def _thank(self, payload: Json, text: str) -> None:
        container: Json = payload.get("container") or {}
        await self.quietly(
            "chat.postEphemeral",
            channel=container.get("channel_id"),
            user=user_of(payload),
            thread_ts=container.get("thread_ts"),
            text=text,
        )

    async def quietly(self, method: str, **arguments: Any) -> None:
        """A courtesy: nothing is lost when Slack does not take it."""
        try:
            await self._services.api(method, wait=False, **arguments)
        except RookeryError as error:
            _log.info("%s", error)


def user_of(payload: Json) -> str:
    user: Json = payload.get("user") or {}
    return str(user.get("id") or payload.get("user_id") or "")


def _typed(view: Json, block_id: str, action_id: str) -> str:
    """What was typed into a field of a form."""
    value: Any = view.get("state") or {}
    for name in ("values", block_id, action_id, "value"):
        value = value.get(name) or {}
    return str(value or "").strip()
