"""The emulator itself: a workspace behind a loopback port."""

from __future__ import annotations

import asyncio
from typing import Self

from aiohttp import web

from emulators.slack import chat, conversations, files, people_api, reactions, session, streams, surfaces
from emulators.slack.administration import Administration
from emulators.slack.delivery import CHANNEL_TYPE, MESSAGE_EVENT, Delivery
from emulators.slack.faults import Faults
from emulators.slack.models import App, Json, Message, StoredFile
from emulators.slack.people import People
from emulators.slack.seen import Screen
from emulators.slack.sockets import SocketHub
from emulators.slack.state import TEAM_ID, Workspace
from emulators.slack.web import EMULATOR, Journal, Limiter, handle

API_FAMILIES = (chat, conversations, files, people_api, reactions, session, streams, surfaces)


class SlackEmulator:
    """A Slack of one workspace with one app installed.

    state: what exists. people: what people do. administration: what changes about
    people and channels. screen: what they see. faults: what goes wrong.
    journal: every call of the Web API. sockets: Socket Mode. Use it as an async context manager;
    `api_url` is the base URL for an SDK client.
    """

    def __init__(self, app: App | None = None, *, port: int = 0, ack_timeout_s: float = 3.0) -> None:
        self.state = Workspace(app or App())
        self.sockets = SocketHub(ack_timeout_s=ack_timeout_s)
        self.delivery = Delivery(self)
        self.faults = Faults()
        self.limiter = Limiter()
        self.journal = Journal()
        self.people = People(self)
        self.administration = Administration(self)
        self.screen = Screen(self.state)
        self.tickets: set[str] = set()
        self.triggers: set[str] = set()
        self.downloads: list[tuple[str, str]] = []
        self.responses: list[Json] = []
        self.streaming_offered = True
        self.metadata_shown = True
        self.late_reads = 0
        """So many of the next reads of a thread do not show what the app said in it: Slack shows things late at times."""
        self.url = ""
        self._port = port
        self._runner: web.AppRunner | None = None

    @property
    def api_url(self) -> str:
        return f"{self.url}/api/"

    async def start(self) -> Self:
        application = web.Application(client_max_size=64 * 1024 * 1024)
        application[EMULATOR] = self
        application.router.add_route("*", "/api/{method}", handle)
        application.router.add_get("/link/", self.sockets.serve)
        application.router.add_get("/files-pri/{id}/{name}", files.download)
        application.router.add_post("/upload/{id}", files.upload)
        application.router.add_post("/response/{id}", session.respond)
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.5)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self._port)
        await site.start()
        self._port = int(self._runner.addresses[0][1])
        self.url = f"http://127.0.0.1:{self._port}"
        for file in self.state.files.values():
            self.offer(file)
        return self

    async def close(self) -> None:
        await self.delivery.close()
        for fault in self.faults.planned:
            fault.release.set()
        await self.sockets.drop()
        if self._runner is not None:
            await self._runner.cleanup()
        await asyncio.sleep(0)

    async def __aenter__(self) -> Self:
        return await self.start()

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    # -- changes that the app is told of ----------------------------------------------------------------

    def place(self, message: Message) -> None:
        """Add a message and announce it."""
        self.state.add_message(message)
        channel = self.state.channels[message.channel]
        event = {**message.wire(self.state.users[message.user].team_id), **self._where(message)}
        app = self.state.app
        if channel.kind != "im" and f"<@{app.bot_user}>" in message.text and message.user != app.bot_user:
            mention = {key: value for key, value in event.items() if key != "channel_type"}
            self.delivery.event({**mention, "type": "app_mention"}, channel)
        self.delivery.event(event, channel, subscription=MESSAGE_EVENT[channel.kind])

    def revise(self, message: Message, text: str, blocks: list[Json] | None, *, by: str) -> None:
        before = message.wire(TEAM_ID)
        self.state.rewrite(message, text, blocks, by)
        self.announce_change(message, previous=before)

    def announce_change(self, message: Message, *, previous: Message | Json) -> None:
        before = previous.wire(TEAM_ID) if isinstance(previous, Message) else previous
        event = self._hidden(message, "message_changed") | {
            "message": message.wire(TEAM_ID),
            "previous_message": before,
        }
        self._tell_of_message(message, event)

    def erase(self, message: Message) -> None:
        before = message.wire(TEAM_ID)
        self.state.remove(message)
        event = self._hidden(message, "message_deleted") | {
            "previous_message": before,
            "deleted_ts": message.ts,
        }
        self._tell_of_message(message, event)

    def react(self, message: Message, name: str, user: str) -> None:
        message.reactions.setdefault(name, []).append(user)
        self._tell_of_reaction("reaction_added", message, name, user)

    def unreact(self, message: Message, name: str, user: str) -> None:
        message.reactions[name].remove(user)
        if not message.reactions[name]:
            del message.reactions[name]
        self._tell_of_reaction("reaction_removed", message, name, user)

    def offer(self, file: StoredFile) -> None:
        """Make a file downloadable."""
        self.state.files[file.id] = file
        file.url = f"{self.url}/files-pri/{file.id}/{file.name}"

    # -- shapes -----------------------------------------------------------------------------------------

    def wire(self, message: Message, *, metadata: bool = False) -> Json:
        """The message as pages of history carry it."""
        shape = message.wire(self.state.users[message.user].team_id)
        replies = [m for m in self.state.thread(message.channel, message.ts) if m.ts != message.ts]
        if replies:
            users = list(dict.fromkeys(reply.user for reply in replies))
            shape |= {
                "thread_ts": message.ts,
                "reply_count": len(replies),
                "reply_users_count": len(users),
                "latest_reply": replies[-1].ts,
                "reply_users": users,
                "is_locked": False,
                "subscribed": True,
            }
        elif message.thread_ts:
            root = self.state.messages[message.channel].get(message.thread_ts)
            shape["parent_user_id"] = root.user if root else "USLACKBOT"
        if metadata and message.metadata:
            shape["metadata"] = message.metadata
        return shape

    def _where(self, message: Message) -> Json:
        channel = self.state.channels[message.channel]
        return {"channel": channel.id, "channel_type": CHANNEL_TYPE[channel.kind], "event_ts": message.ts}

    def _hidden(self, message: Message, subtype: str) -> Json:
        ts = self.state.next_ts()
        return (
            {"type": "message", "subtype": subtype, "hidden": True, "ts": ts}
            | self._where(message)
            | {"event_ts": ts}
        )

    def _tell_of_message(self, message: Message, event: Json) -> None:
        channel = self.state.channels[message.channel]
        self.delivery.event(event, channel, subscription=MESSAGE_EVENT[channel.kind])
        self.state.changed()

    def _tell_of_reaction(self, kind: str, message: Message, name: str, user: str) -> None:
        event: Json = {
            "type": kind,
            "user": user,
            "reaction": name,
            "item": {"type": "message", "channel": message.channel, "ts": message.ts},
            "item_user": message.user,
            "event_ts": self.state.next_ts(),
        }
        self.delivery.event(event, self.state.channels[message.channel])
        self.state.changed()
