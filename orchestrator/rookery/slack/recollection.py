"""What the memory server recalled, as a section for the model: each line with its day and where it was said."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rookery.agent.question import ContextSection
from rookery.agent.sources import Source

Json = Mapping[str, Any]
_TURNS = re.compile(r"memory://\w+/turns/([\w-]+)/\d+/\d+")
_LONGEST_TITLE = 70


@dataclass(frozen=True, slots=True)
class Recalled:
    """A line of what is remembered. link: to where it was said, or the memory's own address."""

    text: str
    day: str
    link: str

    def line(self) -> str:
        return " ".join(filter(None, (f"[{self.day}]" if self.day else "", self.text, f"({self.link})")))

    def source(self, server: str, tool: str) -> Source:
        title = " ".join(self.text.split())
        if len(title) > _LONGEST_TITLE:
            title = title[: title.rfind(" ", 0, _LONGEST_TITLE)] + " …"
        return Source(self.link, title, server, tool)


class Recollections:
    """Reads the memory server's answers. workspace: the address that those of its threads begin with.

    Other addresses that a memory names are told, and are no sources: whoever wrote it may have made them up.
    """

    def __init__(self, workspace: str) -> None:
        self._workspace = workspace

    def facts(self, answer: Json) -> list[Recalled]:
        """What `recall` found. A fact that was drawn from a thread leads to it."""
        return [self._fact(item) for item in answer.get("memories", ())]

    def turns(self, answer: Json, *, besides: str) -> list[Recalled]:
        """What `recall_conversation` found in threads other than the one at hand, which the model gets whole."""
        return [
            Recalled(
                f"{item['speaker']}: {item['content']}",
                str(item.get("said_at") or "")[:10],
                item["conversation"],
            )
            for item in answer.get("turns", ())
            if item["conversation"] != besides and self._is_thread(item["conversation"])
        ]

    def _fact(self, item: Json) -> Recalled:
        text, origin = str(item["content"]), str(item.get("source") or "")
        link = next(filter(self._is_thread, (origin, _conversation_of(origin))), str(item["id"]))
        if origin.startswith(("https://", "http://")) and origin != link:
            text += f" (from {origin})"
        return Recalled(text, str(item.get("valid_from") or "")[:10], link)

    def _is_thread(self, address: str) -> bool:
        return bool(self._workspace) and address.startswith(self._workspace)


def section(server: str, facts: Sequence[Recalled], turns: Sequence[Recalled]) -> ContextSection | None:
    """Both as one fenced section; None when there is nothing."""
    lines = [one.line() for one in facts]
    if turns:
        lines += ["Said in earlier conversations here:", *(one.line() for one in turns)]
    if not lines:
        return None
    return ContextSection(
        title="What you remember of earlier conversations (it may have changed since)",
        text="\n".join(lines),
        author="memory",
        kind="memory",
        priority=3,
        sources=(
            *(one.source(server, "recall") for one in facts),
            *(one.source(server, "recall_conversation") for one in turns),
        ),
    )


def _conversation_of(address: str) -> str:
    """The name of the conversation in an address of turns; empty when it is none."""
    found = _TURNS.fullmatch(address)
    if found is None:
        return ""
    try:
        return base64.urlsafe_b64decode(found[1] + "=" * (-len(found[1]) % 4)).decode()
    except (binascii.Error, UnicodeDecodeError):
        return ""
