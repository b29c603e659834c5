"""post_message and add_reaction: off unless switched on, and in two steps. The first answers with a draft and a token;
only the token, from the same caller and within minutes, sends exactly that draft, once."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import secrets
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from rookery_core.errors import Conflict, InvalidInput, NotAllowed
from rookery_core.identity import Caller, current_caller
from rookery_core.identity.asker import check_key
from rookery_slack.answers import Draft
from rookery_slack.links import permalink
from rookery_slack.lookup import resolve_channel
from rookery_slack.plausible_times import Clock, utc_now
from rookery_slack.tools.base import SlackTools
from rookery_slackapi.timestamps import format_ts, parse_ts
from rookery_slackapi.web import connect

if TYPE_CHECKING:
    from rookery_slack.links import Reference
    from rookery_slack.settings import SlackSettings
    from rookery_slack.store.session import Store

LIFETIME_S = 600
PURPOSE = "rookery-slack confirm"
MAX_TEXT = 12_000
PATIENCE_S = 10.0
"""How long a call waits for a rate limit of Slack: somebody waits for the answer."""
_EMOJI = re.compile(r"^[^\s:]+(::skin-tone-[2-6])?$")


class PostingTools(SlackTools):
    """Writes to Slack for an identified caller, to the channels that are allowed."""

    def __init__(self, store: Store, settings: SlackSettings, clock: Clock = utc_now) -> None:
        super().__init__(store, settings, clock)
        self._settings = settings
        self._key = _confirmation_key(settings)

    async def post_message(
        self, channel: str, text: str, thread_ts: str | None = None, confirm: str | None = None
    ) -> Draft:
        """Post a message to Slack, in two steps. Without confirm nothing is sent: a draft comes back with a confirm token.
        Show the draft to the person; if they agree, call again with the same arguments and that token. A link to a
        message as channel, or thread_ts, answers in its thread."""
        if not text.strip() or len(text) > MAX_TEXT:
            raise InvalidInput(f"text: between 1 and {MAX_TEXT} characters are needed.")
        root = parse_ts(thread_ts) if thread_ts else None
        if thread_ts and root is None:
            raise InvalidInput("thread_ts must be the ts of a message.")
        channel_id, name, linked = await self._target(channel)
        root = root or linked.thread_ts or linked.ts
        arguments: dict[str, Any] = {
            "channel": channel_id,
            "text": text,
            "unfurl_links": False,
            "unfurl_media": False,
        }
        draft = Draft(channel=name, text=text)
        if root:
            arguments["thread_ts"] = draft["thread_ts"] = format_ts(root)
        if confirm is None:
            return self._drafted(draft, "chat.postMessage", arguments)
        answer = await self._send("chat.postMessage", arguments, confirm)
        ts = parse_ts(answer.get("ts"))
        draft["sent"] = True
        if ts:
            draft["permalink"] = permalink(self.base, channel_id, ts, root)
        return draft

    async def add_reaction(self, message: str, emoji: str, confirm: str | None = None) -> Draft:
        """Add an emoji reaction to a Slack message (a permalink), in two steps as post_message does it."""
        emoji = emoji.strip().strip(":")
        async with self.store.session() as session:
            channel_id, reference = await resolve_channel(session, message, field="message")
        if reference.ts is None:
            raise InvalidInput("message: give the permalink of a message.")
        if not _EMOJI.match(emoji):
            raise InvalidInput(
                "emoji must be the name of an emoji.", hint="Give a name such as `tada` or `+1`."
            )
        channel_id, name, _ = await self._target(channel_id)
        arguments = {"channel": channel_id, "timestamp": format_ts(reference.ts), "name": emoji}
        draft = Draft(channel=name, text=f":{emoji}:")
        if confirm is None:
            return self._drafted(draft, "reactions.add", arguments)
        await self._send("reactions.add", arguments, confirm)
        draft["sent"] = True
        return draft

    async def _target(self, channel: str) -> tuple[str, str, Reference]:
        """A channel the caller may see and this server may write to: its id and name, and what was referred to."""
        async with self.store.session() as session:
            if not current_caller().identified or await session.value("caller_kind") != "member":
                raise NotAllowed("Only members of the workspace may post, and you are not known as one.")
            channel_id, reference = await resolve_channel(session, channel)
            name = (await session.rows("channel_cards", [channel_id]))[0]["name"] or channel_id
        allowed = {each.removeprefix("#") for each in self._settings.slack_post_channels}
        if not allowed & {channel_id, name}:
            raise NotAllowed(
                f"This server may not post to #{name}.",
                hint="ROOKERY_SLACK_POST_CHANNELS names where it may.",
            )
        return channel_id, name, reference

    def _drafted(self, draft: Draft, method: str, arguments: dict[str, Any]) -> Draft:
        expires = int(time.time()) + LIFETIME_S
        nonce = secrets.token_urlsafe(9)
        draft["confirm"] = f"{expires}.{nonce}.{self._sign(method, arguments, expires, nonce)}"
        draft["expires_s"] = LIFETIME_S
        draft["sent"] = False
        return draft

    def _sign(self, method: str, arguments: dict[str, Any], expires: int, nonce: str) -> str:
        caller: Caller = current_caller()
        body = json.dumps(
            [caller.team, caller.user, method, arguments, expires, nonce], sort_keys=True
        ).encode()
        return base64.urlsafe_b64encode(hmac.new(self._key, body, hashlib.sha256).digest()[:18]).decode()

    async def _send(self, method: str, arguments: dict[str, Any], confirm: str) -> dict[str, Any]:
        """Send what the token confirms. Never twice: the database marks the token as used before Slack is asked."""
        expires, _, rest = confirm.partition(".")
        nonce, _, signature = rest.partition(".")
        right = expires.isdigit() and hmac.compare_digest(
            self._sign(method, arguments, int(expires), nonce).encode(), signature.encode()
        )
        if not right:
            raise InvalidInput(
                "confirm must be the token of this draft.",
                hint="Call without confirm to make a new draft. "
                "Several copies of the server accept each other's drafts when they have one ROOKERY_CONTEXT_KEY.",
            )
        if int(expires) < time.time():
            raise InvalidInput(
                "confirm must be used within ten minutes; it has expired.",
                hint="Call without confirm to make a new draft.",
            )
        api = connect(self._settings, patience_s=PATIENCE_S)
        if not await self.store.use_token(PURPOSE, nonce, datetime.fromtimestamp(int(expires), UTC)):
            raise Conflict(
                "This draft was sent already, or sending it was tried.", hint="Look into the channel."
            )
        return await api(method, **arguments)


def _confirmation_key(settings: SlackSettings) -> bytes:
    """The key that signs drafts: derived from ROOKERY_CONTEXT_KEY, so that all copies accept each other's drafts.

    Without ROOKERY_CONTEXT_KEY it belongs to this process. Raises ConfigurationError for a key that is too short.
    """
    if settings.context_key is None:
        return secrets.token_bytes(32)
    return hmac.new(
        check_key(settings.context_key.get_secret_value()), PURPOSE.encode(), hashlib.sha256
    ).digest()
