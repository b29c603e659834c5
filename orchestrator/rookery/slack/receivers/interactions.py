"""Buttons, forms and slash commands, handled before they are acknowledged because a person waits for the result."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from rookery.slack.actions import Actions
from rookery.slack.event_types import IncomingMessage
from rookery.slack.notifier import Notifier
from rookery.slack.people.feedback import split_key
from rookery.slack.platform import Platform
from rookery.slack.receivers.offers import Offers
from rookery.slack.receivers.slash_commands import SlashCommands
from rookery.slack.stores import Stores
from rookery.slack.text import blocks as block
from rookery_core.telemetry import get_logger

if TYPE_CHECKING:
    from rookery.agent.recorder import Recorder
    from rookery.slack.settings import BotSettings

Json = dict[str, Any]
Press = Callable[[Json, Json], Awaitable[None]]
logger = get_logger(__name__)


class Interactions:
    """Handles button presses, form submissions and slash commands."""

    def __init__(
        self,
        settings: BotSettings,
        platform: Platform,
        stores: Stores,
        actions: Actions,
        offers: Offers,
        slash_commands: SlashCommands,
        notifier: Notifier,
        recorder: Recorder | None,
    ) -> None:
        self._settings = settings
        self._platform = platform
        self._stores = stores
        self._actions = actions
        self._offers = offers
        self._slash_commands = slash_commands
        self._notifier = notifier
        self._recorder = recorder
        self._buttons: dict[str, Press] = {
            block.FEEDBACK_UP: self._rate_up,
            block.FEEDBACK_DOWN: self._rate_down,
            block.FEEDBACK_TEXT: self._open_comment,
            block.OFFER_YES: self._accept_offer,
            block.OFFER_NO: self._refuse_offer,
            block.CONFIRM: self._confirm_call,
            block.DECLINE: self._decline_call,
        }

    async def handle_interaction(self, kind: str, payload: Json) -> Json | None:
        """Handle an interaction; returns the payload of its acknowledgement. Ignored people have no effect."""
        if kind == "slash_commands":
            return await self._slash_commands.run_command(payload)
        if await self._stores.control.is_ignored(user_of(payload)):
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

    async def _rate_up(self, payload: Json, action: Json) -> None:
        await self._stores.feedback.rate_answer(str(action["value"]), user_of(payload), 1)
        await self._reply(payload, "Thank you for the feedback.")

    async def _rate_down(self, payload: Json, action: Json) -> None:
        await self._stores.feedback.rate_answer(str(action["value"]), user_of(payload), -1)
        await self._reply(payload, "Thank you for the feedback. Press Comment to say what was wrong.")

    async def _open_comment(self, payload: Json, action: Json) -> None:
        # A trigger is valid once and for three seconds, so the call is neither stored nor repeated.
        opened = await self._notifier.try_call(
            "views.open", trigger_id=payload["trigger_id"], view=block.comment_form(str(action["value"]))
        )
        if not opened:
            await self._reply(payload, "The form did not open in time. Please press Comment again.")

    # -- offers -----------------------------------------------------------------------------------------

    async def _accept_offer(self, payload: Json, action: Json) -> None:
        if await self._offers.record_decision(str(action["value"]), user_of(payload), "yes"):
            await self._replace_offer(
                payload, "I am working on it. Next time, mention me and I answer directly."
            )

    async def _refuse_offer(self, payload: Json, action: Json) -> None:
        await self._offers.record_decision(str(action["value"]), user_of(payload), "no")
        await self._replace_offer(payload, "All right.")

    async def _replace_offer(self, payload: Json, text: str) -> None:
        """Replace the ephemeral message whose button was pressed, through its response URL."""
        url = str(payload.get("response_url") or "")
        if not self._settings.is_slack_url(url):
            return
        import aiohttp

        try:
            async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5)) as session:
                body = {"replace_original": True, "response_type": "ephemeral", "text": text}
                async with session.post(url, json=body, allow_redirects=False):
                    pass
        except (aiohttp.ClientError, TimeoutError) as error:
            logger.info("an offer could not be replaced (%s)", type(error).__name__)

    # -- calls that wait for confirmation ----------------------------------------------------------------------

    async def _confirm_call(self, payload: Json, action: Json) -> None:
        """Queue the confirmed call; the worker checks whether this person may confirm it."""
        container: Json = payload.get("container") or {}
        channel, ts = str(container.get("channel_id")), str(container.get("message_ts"))
        thread_ts = str(container.get("thread_ts") or ts)
        user, action_id = user_of(payload), str(action["value"])
        written = IncomingMessage(
            channel, thread_ts, thread_ts, user, "", None, channel.startswith("D"), is_reply=False
        )
        await self._actions.publish("confirm", f"{action_id}:{user}", written, priority=1, action=action_id)

    async def _decline_call(self, payload: Json, action: Json) -> None:
        recorder = self._recorder
        if recorder is not None:
            store = await recorder.store()
            declined = await store.take_action(str(action["value"]), user_of(payload), "declined")
            await self._reply(
                payload,
                "All right, I will not do it."
                if declined
                else "This was decided before or is not yours to decide.",
            )

    # -- comments on an answer --------------------------------------------------------------------------

    async def _submitted(self, payload: Json) -> None:
        view: Json = payload.get("view") or {}
        if view.get("callback_id") != block.FEEDBACK_TEXT:
            return
        text, stars = _text_of(view, "comment", "text"), _rating_of(view, "stars", "choice")
        if not text:
            return
        reference, user = str(view.get("private_metadata")), user_of(payload)
        await self._stores.feedback.add_comment(reference, user, text, stars)
        await self._forward(reference, user, text, stars)
        await self._notifier.show_to(
            user, split_key(reference)[0], "Thank you, your comment is stored with the answer."
        )

    async def _forward(self, reference: str, user: str, text: str, stars: int | None) -> None:
        channel = self._settings.feedback_channel
        if not channel:
            return
        link = self._platform.identity.permalink(*split_key(reference))
        quoted = "\n".join("> " + line for line in text.splitlines())
        await self._notifier.try_call(
            "chat.postMessage",
            channel=channel,
            text=f"<@{user}> about <{link}|an answer>{f', {stars} of 5' if stars else ''}:\n{quoted}",
            unfurl_links=False,
        )

    async def _reply(self, payload: Json, text: str) -> None:
        """Tell the person who pressed, and nobody else."""
        container: Json = payload.get("container") or {}
        await self._notifier.show_to(
            user_of(payload),
            str(container.get("channel_id")),
            text,
            thread_ts=container.get("thread_ts"),
        )


def user_of(payload: Json) -> str:
    """The person who pressed, submitted or typed."""
    user: Json = payload.get("user") or {}
    return str(user.get("id") or payload.get("user_id") or "")


def _text_of(view: Json, block_id: str, action_id: str) -> str:
    """The text of a field of the form."""
    return str(_field(view, block_id, action_id, "value") or "").strip()


def _rating_of(view: Json, block_id: str, action_id: str) -> int | None:
    """The rating chosen in the form; None for none or for a value the form does not offer."""
    chosen = str(_field(view, block_id, action_id, "selected_option", "value"))
    return int(chosen) if chosen in ("1", "2", "3", "4", "5") else None


def _field(view: Json, *path: str) -> Any:
    value: Any = view.get("state") or {}
    for name in ("values", *path):
        value = value.get(name) or {}
    return value
