"""The thread of a question: its newest messages as bounded text for the model, and its unanswered earlier questions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from rookery.agent.question import ContextSection
from rookery.slack.answers.questions import QuestionStore
from rookery.slack.event_types import IncomingMessage, question_of, read
from rookery.slack.people.directory import Directory
from rookery_core.telemetry import get_logger
from rookery_core.text import estimate_tokens
from rookery_slackapi.errors import SlackRefused
from rookery_slackapi.message_text import MessageContent, Names, attachments_text, main_text, references
from rookery_slackapi.message_text.mrkdwn import to_markdown, to_plain
from rookery_slackapi.message_text.shapes import mapping, string
from rookery_slackapi.web import SlackApi

Json = dict[str, Any]
_MAX_NAMES = 50
"""People, and channels, of a thread or a message whose names are looked up; of others the ids are shown."""
_MAX_PAGES = 20
BACKLOG_WINDOW_S = 120.0
"""An older mention that never reached the queue is not answered: its author no longer waits for it."""
logger = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Thread:
    """Messages before the question, oldest first. newest_ts: the newest message of the whole thread.

    omitted: number of older messages left out. problem: why the thread could not be read, for the model.
    """

    messages: tuple[Json, ...]
    newest_ts: str
    omitted: int = 0
    problem: str | None = None


class ThreadReader:
    """Reads threads from Slack and renders them for a model."""

    def __init__(self, api: SlackApi, directory: Directory, *, messages: int, tokens: int) -> None:
        self._api = api
        self._directory = directory
        self._messages = messages
        self._tokens = tokens

    async def read_thread(self, question: IncomingMessage) -> Thread:
        """Read the messages before the question: the root and the newest ones.

        Without permission to read the thread, the result is empty and says why.
        """
        if not question.is_reply:
            return Thread((), question.ts)
        try:
            messages = await read_messages(self._api, question.channel, question.thread_ts)
        except SlackRefused as refused:
            logger.warning("cannot read the thread of question %s: %s", question.key, refused)
            return Thread((), question.ts, problem=f"You could not read this thread: {refused}")
        before = [message for message in messages if float(message["ts"]) < float(question.ts)]
        newest = max((str(message["ts"]) for message in messages), key=float, default=question.ts)
        kept = before[-self._messages :]
        if before and before[0] is not kept[0]:
            kept = [before[0], *kept[1:]]
        return Thread(tuple(kept), newest, len(before) - len(kept))

    async def render_sections(self, thread: Thread) -> list[ContextSection]:
        """The thread as a section; empty without messages. A long thread loses its older messages first."""
        if not thread.messages:
            return []
        names = await resolve_names(
            self._directory,
            [MessageContent.of(message) for message in thread.messages],
            [string(message.get("user")) for message in thread.messages],
        )
        identity = await self._directory.read_identity()
        lines = [_line(message, names, identity.user) for message in thread.messages]
        root, rest = lines[0], lines[1:]
        budget, kept = self._tokens - estimate_tokens(root), list[str]()
        for line in reversed(rest):
            budget -= estimate_tokens(line) + 1
            if budget < 0:
                break
            kept.insert(0, line)
        omitted = thread.omitted + len(rest) - len(kept)
        gap = [f"({omitted} messages are left out here)"] if omitted else []
        text = "\n".join([root, *gap, *kept])
        return [
            ContextSection(
                title="The thread so far, oldest first", text=text, kind="thread", priority=5, keep="end"
            )
        ]


class Backlog:
    """Finds earlier questions of a thread that have no answer yet.

    Slack distributes events over the sockets of an app, so two questions of one thread can reach the queue in the
    wrong order when a process dies or is slow. The earlier ones are answered first; their own events then find
    them answered.
    """

    def __init__(self, questions: QuestionStore, bot_user: str) -> None:
        self._questions = questions
        self._bot_user = bot_user

    async def find_earlier(self, question: IncomingMessage, thread: Thread) -> list[IncomingMessage]:
        """The earlier unanswered questions, oldest first."""
        age_s = [(float(question.ts) - float(message["ts"]), message) for message in thread.messages]
        recent = [message for age, message in age_s if 0 < age < BACKLOG_WINDOW_S]
        earlier = [
            written for message in recent if (written := self._question_in(message, question)) is not None
        ]
        if not earlier:
            return []
        states = await self._questions.list_states(question.channel, [written.ts for written in earlier])
        return [
            written for written in earlier if states.get(written.ts, "waiting") in ("waiting", "answering")
        ]

    def _question_in(self, message: Json, question: IncomingMessage) -> IncomingMessage | None:
        """The message as its event would have carried it, when it addresses the bot."""
        kind = "im" if question.is_direct else "channel"
        event: Json = {**message, "type": "message", "channel": question.channel, "channel_type": kind}
        incoming = read({"event": event, "is_ext_shared_channel": question.shared}, self._bot_user)
        return incoming if isinstance(incoming, IncomingMessage) and incoming.via is not None else None


async def read_messages(
    api: SlackApi, channel: str, thread_ts: str, *, oldest: str | None = None, metadata: bool = False
) -> list[Json]:
    """All messages of a thread with its root, oldest first. Follows cursors: Slack may return small pages."""
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
        response: Json = page.get("response_metadata") or {}
        cursor = response.get("next_cursor")
        if not page.get("has_more") or not cursor:
            break
    return messages


async def resolve_names(
    directory: Directory, contents: Sequence[MessageContent], authors: Sequence[str] = ()
) -> Names:
    """The names of the authors, and of everybody and every public channel that the messages mention."""
    pairs = dict.fromkeys(pair for content in contents for pair in references(content))
    users = list(dict.fromkeys([*filter(None, authors), *(user for sort, user in pairs if sort == "user")]))
    channels = [channel for sort, channel in pairs if sort == "channel"]
    return Names(
        users=await directory.display_names(set(users[:_MAX_NAMES])),
        channels=await directory.public_channel_names(channels[:_MAX_NAMES]),
    )


def content_of(message: IncomingMessage) -> MessageContent:
    """What a message says and what is attached to it."""
    return MessageContent(message.text, {"attachments": list(message.attachments)})


def plain(message: IncomingMessage, names: Names) -> str:
    """The words of a message with those that it forwards, as markdown."""
    content = content_of(message)
    return "\n".join(filter(None, (to_markdown(content.text, names), attachments_text(content, names))))


def headline(text: str, bot_user: str, max_characters: int) -> str:
    """A question in one line without the mention of the bot; empty when nothing else is left."""
    words = " ".join(to_plain(question_of(text, bot_user), Names()).split())
    return words if len(words) <= max_characters else words[: max_characters - 1] + "…"


def _line(message: Json, names: Names, own_user: str) -> str:
    content = MessageContent.of(message)
    at = datetime.fromtimestamp(float(message["ts"]), UTC).strftime("%Y-%m-%d %H:%M UTC")
    text = "\n".join(filter(None, (main_text(content, names), attachments_text(content, names))))
    files = ", ".join(string(file.get("name")) or "file" for file in content.files)
    return f"[{at}] {_author(message, names, own_user)}: {text}" + (f" [files: {files}]" if files else "")


def _author(message: Json, names: Names, own_user: str) -> str:
    user = string(message.get("user"))
    if user == own_user:
        return "you"
    signature = string(message.get("username")) or string(mapping(message.get("bot_profile")).get("name"))
    return names.users.get(user) or signature or "a bot"
