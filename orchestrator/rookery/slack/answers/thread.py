"""What was said before the question: the newest messages of the thread, within bounds, as text for the model."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from rookery.agent.question import ContextSection
from rookery.slack.event_types import IncomingMessage, question_of
from rookery.slack.people.directory import Directory
from rookery.slack.text.markup import unescape
from rookery_core.telemetry import get_logger
from rookery_core.text import estimate_tokens
from rookery_slackapi.errors import SlackRefused
from rookery_slackapi.web import SlackApi

Json = dict[str, Any]
_PERSON = re.compile(r"<@([UW][A-Z0-9]+)(?:\|([^>]*))?>")
_CHANNEL = re.compile(r"<#([A-Z0-9]+)\|([^>]*)>")
_LINK = re.compile(r"<(https?://[^|>]+)(?:\|([^>]*))?>")
_MAX_PAGES = 20
logger = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Thread:
    """Messages before the question, oldest first. newest_ts: of the whole thread as it was read.

    problem: why it could not be read, for the model to know that something is missing.
    """

    messages: tuple[Json, ...]
    newest_ts: str
    left_out: int = 0
    problem: str | None = None


class ThreadReader:
    """Reads threads from Slack and writes them down for a model."""

    def __init__(self, api: SlackApi, directory: Directory, *, messages: int, tokens: int) -> None:
        self._api = api
        self._directory = directory
        self._messages = messages
        self._tokens = tokens

    async def read(self, question: IncomingMessage) -> Thread:
        """The messages of the question's thread before it: the root and the newest ones.

        An app that may not read here still answers, without them.
        """
        if not question.is_reply:
            return Thread((), question.ts)
        try:
            found = await pages_of_thread(self._api, question.channel, question.thread_ts)
        except SlackRefused as refused:
            logger.warning("the thread of question %s is not read: %s", question.key, refused)
            return Thread((), question.ts, problem=f"You could not read this thread: {refused}")
        before = [message for message in found if float(message["ts"]) < float(question.ts)]
        newest = max((str(message["ts"]) for message in found), key=float, default=question.ts)
        kept = before[-self._messages :]
        if before and before[0] is not kept[0]:
            kept = [before[0], *kept[1:]]
        return Thread(tuple(kept), newest, len(before) - len(kept))

    async def sections(self, thread: Thread) -> list[ContextSection]:
        """The thread as a fenced section; empty when there is none. Older messages go first when it is too long."""
        if not thread.messages:
            return []
        names = await self._directory.names(_people_in(thread.messages))
        own = await self._directory.identity()
        lines = [_line(message, names, own.user) for message in thread.messages]
        root, rest = lines[0], lines[1:]
        budget, kept = self._tokens - estimate_tokens(root), list[str]()
        for line in reversed(rest):
            budget -= estimate_tokens(line) + 1
            if budget < 0:
                break
            kept.insert(0, line)
        gone = thread.left_out + len(rest) - len(kept)
        gap = [f"({gone} messages are left out here)"] if gone else []
        text = "\n".join([root, *gap, *kept])
        return [
            ContextSection(
                title="The thread so far, oldest first", text=text, kind="thread", priority=5, keep="end"
            )
        ]


async def pages_of_thread(
    api: SlackApi, channel: str, thread_ts: str, *, oldest: str | None = None, metadata: bool = False
) -> list[Json]:
    """All messages of a thread, oldest first, the root included. Small pages are followed up, as limits demand."""
    messages: list[Json] = []
    cursor: str | None = None
    for _ in range(_MAX_PAGES):
        page = await api(
            "conversations.replies",
            channel=channel,
            ts=thread_ts,
            limit=200,
            cursor=cursor,
            oldest=oldest,
            include_all_metadata="true" if metadata else None,
        )
        messages += [message for message in page.get("messages", []) if message not in messages[:1]]
        following: Json = page.get("response_metadata") or {}
        cursor = following.get("next_cursor")
        if not page.get("has_more") or not cursor:
            break
    return messages


def plain(text: str, names: dict[str, str]) -> str:
    """Slack's markup as a person reads it: names for ids, bare links."""
    text = _PERSON.sub(lambda match: "@" + names.get(match[1], match[2] or match[1]), text)
    text = _CHANNEL.sub(lambda match: "#" + match[2], text)
    text = _LINK.sub(lambda match: f"{match[2]} ({match[1]})" if match[2] else match[1], text)
    return unescape(text)


def headline(text: str, bot_user: str, most: int) -> str:
    """A question in one short line, without the mention of the bot; empty when it is nothing else."""
    words = " ".join(plain(question_of(text, bot_user), {}).split())
    return words if len(words) <= most else words[: most - 1] + "…"


def _people_in(messages: tuple[Json, ...]) -> set[str]:
    people = {str(message["user"]) for message in messages if message.get("user")}
    for message in messages:
        people.update(match[1] for match in _PERSON.finditer(str(message.get("text", ""))))
    return people


def _line(message: Json, names: dict[str, str], own_user: str) -> str:
    user = str(message.get("user") or "")
    author = "you" if user == own_user else names.get(user) or str(message.get("username") or "a bot")
    at = datetime.fromtimestamp(float(message["ts"]), UTC).strftime("%Y-%m-%d %H:%M UTC")
    text = plain(str(message.get("text") or ""), names)
    attached: list[Json] = message.get("files") or []
    files = ", ".join(str(file.get("name", "file")) for file in attached)
    return f"[{at}] {author}: {text}" + (f" [files: {files}]" if files else "")
