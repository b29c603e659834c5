"""What the memory server recalled, as a section for the model: each line with its day and where it was said."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rookery.agent.question import ContextSection
from rookery_core.mcp.sources import link_of, sources

Json = Mapping[str, Any]


def section(
    server: str, facts: Sequence[Json], turns: Sequence[Json], *, besides: str = ""
) -> ContextSection | None:
    """Memories and turns as one fenced section, with what they can be cited by; None when there are none.

    besides: the conversation at hand, whose turns the model gets whole.
    """
    known = [dict(fact) for fact in facts]
    said = [_said(turn) for turn in turns if turn["conversation"] != besides]
    if not known and not said:
        return None
    heading = ["Said in earlier conversations here:"] if said else []
    return ContextSection(
        title="What you remember of earlier conversations (it may have changed since)",
        text="\n".join([*map(_line, known), *heading, *map(_line, said)]),
        author="memory",
        kind="memory",
        priority=3,
        sources=(*sources(known, server, "recall"), *sources(said, server, "recall_conversation")),
    )


def _said(turn: Json) -> Json:
    """A turn as an item: the bot names a conversation by the address of its thread."""
    return {
        "content": f"{turn['speaker']}: {turn['content']}",
        "link": turn["conversation"],
        "valid_from": turn.get("said_at"),
    }


def _line(item: Json) -> str:
    day, link = str(item.get("valid_from") or "")[:10], link_of(item)
    return " ".join(filter(None, (day and f"[{day}]", str(item["content"]), link and f"({link})")))
