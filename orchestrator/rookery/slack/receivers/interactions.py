"""Buttons, forms and slash commands: done before they are acknowledged, because a person waits for them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from rookery.slack.event_types import IncomingMessage
from rookery.slack.people.feedback import place_of
from rookery.slack.receivers.offers import Offers
from rookery.slack.receivers.slash_commands import SlashCommands
from rookery.slack.text import blocks as block
from rookery_core.errors import RookeryError
from rookery_core.telemetry import get_logger

if TYPE_CHECKING:
    from rookery.slack.services import Services

Json = dict[str, Any]
Press = Callable[[Json, Json], Awaitable[None]]
logger = get_logger(__name__)


class Interactions:
    """Handles what people click, fill in and type."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._slash = SlashCommands(services)
        self._offers = Offers(services)
        self._buttons: dict[str, Press] = {
            block.FEEDBACK_UP: self._up,
            block.FEEDBACK_DOWN: self._down,
            block.FEEDBACK_TEXT: self._open_comment,
            block.OFFER_YES: self._accept,
            block.OFFER_NO: self._refuse,
            block.CONFIRM: self._confirm,
            block.DECLINE: self._decline,
        }

    async def handle(self, kind: str, payload: Json) -> Json | None:
        """Do what was asked; answers the payload of the acknowledgement. Whoever is ignored can press what they like."""
        if kind == "slash_commands":
            return await self._slash.handle(payload)
        if await self._services.control.is_ignored(user_of(payload)):
            return None
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
        try:
            await self._services.api(
                "views.open",
                wait=False,
                trigger_id=payload["trigger_id"],
                view=block.comment_form(str(action["value"])),
            )
        except RookeryError as error:
            logger.info("the form for a comment did not open: %s", error)
            await self._thank(payload, "The form did not open in time. Please press Comment again.")

    # -- offers -----------------------------------------------------------------------------------------

    async def _accept(self, payload: Json, action: Json) -> None:
        if await self._offers.decide(str(action["value"]), user_of(payload), "yes"):
            await self._replace(payload, "I am on it. Next time, mention me and I answer at once.")

    async def _refuse(self, payload: Json, action: Json) -> None:
        await self._offers.decide(str(action["value"]), user_of(payload), "no")
        await self._replace(payload, "All right.")

    async def _replace(self, payload: Json, text: str) -> None:
        """Replace the ephemeral message whose button was pressed; only its response URL can."""
        url = str(payload.get("response_url") or "")
        if not self._services.settings.is_slack_url(url):
            return
        import aiohttp

        try:
            async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5)) as session:
                body = {"replace_original": True, "response_type": "ephemeral", "text": text}
                async with session.post(url, json=body, allow_redirects=False):
                    pass
        except (aiohttp.ClientError, TimeoutError) as error:
            logger.info("an offer could not be replaced: %s", type(error).__name__)

    # -- calls that wait for a yes ----------------------------------------------------------------------

    async def _confirm(self, payload: Json, action: Json) -> None:
        """Queue the call; the worker finds out whether this person may confirm it."""
        container: Json = payload.get("container") or {}
        channel, ts = str(container.get("channel_id")), str(container.get("message_ts"))
        thread_ts = str(container.get("thread_ts") or ts)
        user, action_id = user_of(payload), str(action["value"])
        written = IncomingMessage(
            channel, thread_ts, thread_ts, user, "", None, channel.startswith("D"), is_reply=False
        )
        await self._services.actions.publish(
            "confirm", f"{action_id}:{user}", written, priority=1, action=action_id
        )

    async def _decline(self, payload: Json, action: Json) -> None:
        recorder = self._services.agent.recorder
        if recorder is not None:
            store = await recorder.store()
            settled = await store.take_action(str(action["value"]), user_of(payload), "declined")
            await self._thank(
                payload, "All right, I leave it." if settled else "That is not yours to decide any more."
            )

    # -- words about an answer --------------------------------------------------------------------------

    async def _submitted(self, payload: Json) -> None:
        view: Json = payload.get("view") or {}
        if view.get("callback_id") != block.FEEDBACK_TEXT:
            return
        text, stars = _typed(view, "comment", "text"), _chosen(view, "stars", "choice")
        if not text:
            return
        reference, user = str(view.get("private_metadata")), user_of(payload)
        await self._services.feedback.comment(reference, user, text, stars)
        await self._forward(reference, user, text, stars)
        await self.quietly(
            "chat.postEphemeral",
            channel=place_of(reference)[0],
            user=user,
            text="Thank you, your comment is kept with the answer.",
        )

    async def _forward(self, reference: str, user: str, text: str, stars: int | None) -> None:
        channel = self._services.settings.feedback_channel
        if not channel:
            return
        asked_in, ts = place_of(reference)
        link = f"{self._services.identity.url}archives/{asked_in}/p{ts.replace('.', '')}"
        quoted = "\n".join("> " + line for line in text.splitlines())
        await self.quietly(
            "chat.postMessage",
            channel=channel,
            text=f"<@{user}> about <{link}|an answer>{f', {stars} of 5' if stars else ''}:\n{quoted}",
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
            logger.info("%s", error)


def user_of(payload: Json) -> str:
    user: Json = payload.get("user") or {}
    return str(user.get("id") or payload.get("user_id") or "")


def _typed(view: Json, block_id: str, action_id: str) -> str:
    """What was typed into a field of a form."""
    return str(_field(view, block_id, action_id, "value") or "").strip()


def _chosen(view: Json, block_id: str, action_id: str) -> int | None:
    """The rating that was chosen in a form; None for none, or for what the form did not offer."""
    chosen = str(_field(view, block_id, action_id, "selected_option", "value"))
    return int(chosen) if chosen in ("1", "2", "3", "4", "5") else None


def _field(view: Json, *path: str) -> Any:
    value: Any = view.get("state") or {}
    for name in ("values", *path):
        value = value.get(name) or {}
    return value
