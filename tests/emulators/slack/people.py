"""What people do in the workspace: write, edit, delete, react, click, fill in forms, type slash commands."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from emulators.slack.models import Json, Message, StoredFile
from emulators.slack.state import TEAM_ID

if TYPE_CHECKING:
    from emulators.slack.server import SlackEmulator


class People:
    """Every method is something a person can do with a mouse or a keyboard."""

    def __init__(self, emulator: SlackEmulator) -> None:
        self._emulator = emulator

    def say(
        self,
        user: str,
        channel: str,
        text: str,
        *,
        thread_ts: str | None = None,
        files: Sequence[StoredFile] = (),
        broadcast: bool = False,
    ) -> str:
        """Write a message; answers its ts."""
        state = self._emulator.state
        subtype = "file_share" if files else "thread_broadcast" if broadcast else None
        message = Message(
            channel=channel,
            ts=state.next_ts(),
            user=user,
            text=text,
            thread_ts=thread_ts,
            files=list(files),
            subtype=subtype,
            client_msg_id=state.next_id("client-"),
            blocks=[_rich_text(text)] if text else [],
        )
        self._emulator.place(message)
        return message.ts

    def mention(self, user: str, channel: str, text: str, **details: Any) -> str:
        """Write a message that names the app first."""
        return self.say(user, channel, f"<@{self._emulator.state.app.bot_user}> {text}", **details)

    def tell(self, user: str, text: str, **details: Any) -> tuple[str, str]:
        """Write to the app in a direct message; answers the channel and the ts."""
        channel = self._emulator.state.direct_message(user)
        return channel.id, self.say(user, channel.id, text, **details)

    def file(self, user: str, name: str, content: bytes, mimetype: str) -> StoredFile:
        """Have a file ready to be sent with a message."""
        file = StoredFile(self._emulator.state.next_id("F"), name, mimetype, content, user)
        self._emulator.offer(file)
        return file

    def forward(
        self, user: str, channel: str, ts: str, to: str, text: str = "", *, thread_ts: str | None = None
    ) -> str:
        """Forward a message to another conversation, with a text or without; answers the new message's ts."""
        state = self._emulator.state
        original = state.messages[channel][ts]
        author, url = (
            state.users[original.user],
            f"https://rookery.slack.com/archives/{channel}/p{ts.replace('.', '')}",
        )
        attachment: Json = {
            "ts": ts,
            "channel_id": channel,
            "channel_team": TEAM_ID,
            "is_msg_unfurl": True,
            "is_share": True,
            "author_id": author.id,
            "author_name": author.real_name,
            "from_url": url,
            "fallback": f"{author.real_name}: {original.text}",
            "text": original.text,
            "footer": f"Posted in #{state.channels[channel].name}",
            "mrkdwn_in": ["text"],
            "files": [file.wire() for file in original.files],
            "message_blocks": [
                {"team": TEAM_ID, "channel": channel, "ts": ts, "message": {"blocks": original.blocks}}
            ],
        }
        message = Message(
            channel=to, ts=state.next_ts(), user=user, text=text, thread_ts=thread_ts,
            blocks=[_rich_text(text)] if text else [], attachments=[attachment],
        )  # fmt: skip
        self._emulator.place(message)
        return message.ts

    def alert(self, channel: str, name: str, attachments: list[Json], blocks: Sequence[Json] = ()) -> str:
        """Have another app post a message without a text; answers its ts."""
        state = self._emulator.state
        app_user = next((user for user in state.users.values() if user.name == name), None)
        app = app_user or state.add_user(name, is_bot=True)
        message = Message(
            channel=channel, ts=state.next_ts(), user=app.id, text="", bot_id="BALERTS", app_id="AALERTS",
            subtype="bot_message", attachments=attachments, blocks=list(blocks),
        )  # fmt: skip
        self._emulator.place(message)
        return message.ts

    def edit(self, channel: str, ts: str, text: str) -> None:
        message = self._emulator.state.messages[channel][ts]
        self._emulator.revise(message, text, [_rich_text(text)], by=message.user)

    def delete(self, channel: str, ts: str) -> None:
        self._emulator.erase(self._emulator.state.messages[channel][ts])

    def react(self, user: str, channel: str, ts: str, name: str) -> None:
        self._emulator.react(self._emulator.state.messages[channel][ts], name, user)

    def unreact(self, user: str, channel: str, ts: str, name: str) -> None:
        self._emulator.unreact(self._emulator.state.messages[channel][ts], name, user)

    def open_assistant(self, user: str) -> tuple[str, str]:
        """Open the assistant pane: a new thread in the direct message."""
        state = self._emulator.state
        channel = state.direct_message(user)
        thread_ts = state.next_ts()
        event: Json = {
            "type": "assistant_thread_started",
            "assistant_thread": {
                "user_id": user,
                "context": {"channel_id": next(iter(state.channels)), "team_id": TEAM_ID},
                "channel_id": channel.id,
                "thread_ts": thread_ts,
            },
            "event_ts": thread_ts,
        }
        self._emulator.delivery.event(event, channel)
        return channel.id, thread_ts

    # -- interactions -----------------------------------------------------------------------------------

    async def click(self, user: str, channel: str, ts: str, action_id: str, **changes: Any) -> Json:
        """Press a button of a message; answers the app's acknowledgement. Raises LookupError without one."""
        message = self._emulator.state.messages[channel].get(ts)
        blocks = message.blocks if message else self._ephemeral(channel, ts).blocks
        element = _element(blocks, action_id)
        container: Json = {
            "type": "message",
            "message_ts": ts,
            "channel_id": channel,
            "is_ephemeral": message is None,
        }
        payload = self._interaction("block_actions", user) | {
            "container": container,
            "channel": {"id": channel, "name": self._emulator.state.channels[channel].name},
            "actions": [{**element, "action_ts": self._emulator.state.next_ts(), **changes}],
            "response_url": self._response_url(),
        }
        if message:
            payload["message"] = self._emulator.wire(message, metadata=True)
            container["thread_ts"] = message.thread_ts
        return await self._emulator.delivery.interact("interactive", payload)

    async def submit(self, user: str, view: Json, values: Json) -> Json:
        """Send a form: values by block id and action id."""
        filled = {**view, "state": {"values": values}}
        payload = self._interaction("view_submission", user) | {"view": filled}
        return await self._emulator.delivery.interact("interactive", payload)

    async def command(self, user: str, channel: str, command: str, text: str) -> Json:
        """Type a slash command; answers what the app sent back at once."""
        state = self._emulator.state
        payload = {
            "token": "emulator-verification-token",
            "team_id": TEAM_ID,
            "team_domain": "rookery",
            "channel_id": channel,
            "channel_name": state.channels[channel].name,
            "user_id": user,
            "user_name": state.users[user].name,
            "command": command,
            "text": text,
            "api_app_id": state.app.id,
            "is_enterprise_install": "false",
            "response_url": self._response_url(),
            "trigger_id": self._trigger(),
        }
        return await self._emulator.delivery.interact("slash_commands", payload)

    def _interaction(self, kind: str, user: str) -> Json:
        person = self._emulator.state.users[user]
        return {
            "type": kind,
            "team": {"id": TEAM_ID, "domain": "rookery"},
            "user": {"id": user, "username": person.name, "name": person.name, "team_id": person.team_id},
            "api_app_id": self._emulator.state.app.id,
            "token": "emulator-verification-token",
            "trigger_id": self._trigger(),
        }

    def _trigger(self) -> str:
        trigger = self._emulator.state.next_id("trigger-")
        self._emulator.triggers.add(trigger)
        return trigger

    def _response_url(self) -> str:
        return f"{self._emulator.url}/response/{self._emulator.state.next_id('R')}"

    def _ephemeral(self, channel: str, ts: str) -> Any:
        for shown in self._emulator.state.ephemerals:
            if shown.channel == channel and shown.ts == ts:
                return shown
        raise LookupError(f"nothing to click at {ts}")


def _element(blocks: list[Json], action_id: str) -> Json:
    for block in blocks:
        candidates: list[Json] = [
            *block.get("elements", []),
            *([block["accessory"]] if "accessory" in block else []),
        ]
        for element in candidates:
            if element.get("action_id") == action_id:
                kind = {"button": "button"}.get(element["type"], element["type"])
                return {
                    "action_id": action_id,
                    "block_id": block.get("block_id", "block"),
                    "type": kind,
                    "value": element.get("value", ""),
                    "text": element.get("text", {}),
                }
    raise LookupError(f"no element {action_id!r} to press")


def _rich_text(text: str) -> Json:
    section = {"type": "rich_text_section", "elements": [{"type": "text", "text": text}]}
    return {"type": "rich_text", "block_id": "text", "elements": [section]}
