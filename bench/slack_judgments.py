"""Judgments for retrieval in chat, in the two forms there are.

`{"query", "channel_id", "exclude": [ts], "relevant": [{"channel_id", "ts"}]}`, one a line; or the messages of
disentangled conversations, `{"channel", "ts", "year_file", "conversation_id"}`: then the first message of each
conversation of at least three is the query, itself excluded, and the others are relevant. Plain or .gz.
"""

from __future__ import annotations

import gzip
import json
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

LEAST = 3

Place = tuple[str, str]
"""A message: its channel's id and its ts."""


@dataclass(frozen=True, slots=True)
class Judged:
    """A query, messages that do not count as answers, and those that do."""

    query: str
    exclude: frozenset[Place]
    relevant: frozenset[Place]


def read_lines(path: Path) -> list[dict[str, Any]]:
    """Every line as JSON."""
    data = path.read_bytes()
    text = (gzip.decompress(data) if path.suffix == ".gz" else data).decode("utf-8")
    return [json.loads(line) for line in text.splitlines() if line.strip()]


def judgments(
    lines: Iterable[dict[str, Any]], texts: dict[Place, str], names: dict[str, str]
) -> list[Judged]:
    """The judgments of a file. texts: of every message; names: ids of channels by name."""
    lines = list(lines)
    if lines and "query" in lines[0]:
        return [_judged(line) for line in lines]
    conversations: defaultdict[tuple[str, ...], list[Place]] = defaultdict(list)
    for line in lines:
        channel = str(line["channel"])
        place: Place = (names.get(channel, channel), str(line["ts"]))
        if place in texts:
            conversations[line["channel"], line.get("year_file", ""), line["conversation_id"]].append(place)
    found: list[Judged] = []
    for places in conversations.values():
        first, *others = sorted(set(places), key=lambda place: place[1])
        if len(others) + 1 >= LEAST and texts[first].strip():
            found.append(Judged(texts[first], frozenset({first}), frozenset(others)))
    return found


def _judged(line: dict[str, Any]) -> Judged:
    channel = line.get("channel_id", "")
    exclude = frozenset((channel, ts) for ts in line.get("exclude") or ())
    return Judged(
        line["query"], exclude, frozenset((each["channel_id"], each["ts"]) for each in line["relevant"])
    )
