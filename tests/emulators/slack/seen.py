"""What a person sees on the screen: threads as text, the state of streams, the line under a thread."""

from __future__ import annotations

from dataclasses import dataclass

from emulators.slack.models import Json, Message
from emulators.slack.state import Workspace


@dataclass(frozen=True)
class Line:
    """One message as it is on the screen now."""

    ts: str
    author: str
    text: str
    streaming: bool
    edited: bool
    from_app: bool


class Screen:
    """Reads the workspace as its people do."""

    def __init__(self, state: Workspace) -> None:
        self._state = state

    def thread(self, channel: str, root: str) -> list[Line]:
        return [self._line(message) for message in self._state.thread(channel, root)]

    def replies(self, channel: str, root: str) -> list[Line]:
        """What the app has said in a thread."""
        return [line for line in self.thread(channel, root) if line.from_app]

    def channel(self, channel: str) -> list[Line]:
        return [self._line(message) for message in self._state.in_order(channel)]

    def status(self, channel: str, thread_ts: str) -> str:
        """The line under the thread; empty once something was posted or it was cleared."""
        current = ""
        for status in self._state.statuses:
            if (status.channel, status.thread_ts) == (channel, thread_ts):
                current = status.text
        return current

    def ephemerals(self, user: str) -> list[str]:
        return [text_of(e.text, e.blocks) for e in self._state.ephemerals if e.user == user]

    def _line(self, message: Message) -> Line:
        return Line(
            ts=message.ts,
            author=self._state.users[message.user].real_name,
            text=text_of(message.text, message.blocks, streamed=message.streamed),
            streaming=message.streaming,
            edited=message.edited_ts is not None,
            from_app=message.user == self._state.app.bot_user,
        )


def text_of(text: str, blocks: list[Json], *, streamed: bool = False) -> str:
    """Blocks replace the text on the screen; under a streamed message they stand below it."""
    shown = [_block_text(block) for block in blocks if block.get("type") != "rich_text"]
    if not shown:
        return text
    return "\n".join([text, *shown] if streamed and not _has_body(blocks) else shown)


def _has_body(blocks: list[Json]) -> bool:
    return any(block.get("type") == "markdown" for block in blocks)


def _block_text(block: Json) -> str:
    kind = block.get("type")
    if kind == "markdown":
        return str(block["text"])
    if kind in ("section", "header"):
        texts = [block.get("text"), *(block.get("fields") or ())]
        return "\n".join(str(text["text"]) for text in texts if text)
    if kind == "context":
        return " ".join(str(element.get("text", "")) for element in block["elements"])
    if kind == "actions":
        return " ".join(f"[{element['text']['text']}]" for element in block["elements"] if "text" in element)
    if kind == "divider":
        return "---"
    return ""
