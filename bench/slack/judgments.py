"""Judgments for retrieval in chat, in the two forms there are.

`{"query", "channel_id", "exclude": [ts], "relevant": [{"channel_id", "ts"}]}`, one a line; or the messages of
disentangled conversations, `{"channel", "ts", "year_file", "conversation_id"}`: then the first message of each
conversation of at least three is the query, itself excluded, and the others are relevant. Plain or .gz.
A hit on any message of a relevant thread counts.
"""

from __future__ import annotations

import gzip
import json
import zlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

LEAST = 3
FORMS = "each has query, channel_id, exclude and relevant, or channel, ts and conversation_id"
Line = dict[str, Any]

MessageKey = tuple[str, str]
"""A message: its channel's id and its ts."""


@dataclass(frozen=True, slots=True)
class Judged:
    """A query, messages that do not count as answers, and those that do."""

    query: str
    exclude: frozenset[MessageKey]
    relevant: frozenset[MessageKey]


class NotReadable(Exception):
    """QRELS holds something else than judgments; the message says what."""


@dataclass(frozen=True, slots=True)
class Held:
    """What the store holds: the text of every message, the ids of channels by name, the first message of each thread
    by those that answer it."""

    texts: dict[MessageKey, str]
    names: dict[str, str]
    roots: dict[MessageKey, MessageKey]


def read_lines(path: Path) -> list[Line]:
    """Every line as JSON, each of one of the two forms. Raises NotReadable."""
    try:
        data = path.read_bytes()
        text = (gzip.decompress(data) if path.suffix == ".gz" else data).decode("utf-8")
        lines: list[Any] = [json.loads(line) for line in text.split("\n") if line.strip()]
    except (OSError, EOFError, zlib.error, ValueError) as error:
        raise NotReadable(f"QRELS: {path} is not lines of JSON ({error}).") from None
    if not lines:
        raise NotReadable(f"QRELS: {path} holds no judgments.")
    readable = _is_judged if isinstance(lines[0], dict) and "query" in lines[0] else _is_spoken
    for number, line in enumerate(lines, 1):
        if not isinstance(line, dict) or not readable(cast("Line", line)):
            raise NotReadable(f"QRELS: line {number} of {path} is no judgment; {FORMS}.")
    return lines


def _is_judged(line: Line) -> bool:
    relevant = line.get("relevant")
    return (
        isinstance(line.get("query"), str)
        and isinstance(line.get("exclude", []), list)
        and isinstance(relevant, list)
        and all(
            isinstance(each, dict) and {"channel_id", "ts"} <= each.keys()
            for each in cast("list[Any]", relevant)
        )
    )


def _is_spoken(line: Line) -> bool:
    return {"channel", "ts", "conversation_id"} <= line.keys()


def judgments(lines: Sequence[Line], held: Held) -> list[Judged]:
    """The judgments of a file that can be answered from what is held."""
    found = [_judged(line) for line in lines] if "query" in lines[0] else _conversations(lines, held)
    threads: defaultdict[MessageKey, set[MessageKey]] = defaultdict(set)
    for reply, root in held.roots.items():
        threads[root] |= {reply, root}
    whole = [_with_threads(each, held, threads) for each in found]
    return [each for each in whole if any(place in held.texts for place in each.relevant)]


def _with_threads(judged: Judged, held: Held, threads: Mapping[MessageKey, set[MessageKey]]) -> Judged:
    relevant = set(judged.relevant)
    for place in judged.relevant:
        relevant |= threads.get(held.roots.get(place, place), set())
    return replace(judged, relevant=frozenset(relevant) - judged.exclude)


def _conversations(lines: Iterable[Line], held: Held) -> list[Judged]:
    conversations: defaultdict[tuple[str, ...], list[MessageKey]] = defaultdict(list)
    texts = held.texts
    for line in lines:
        channel = str(line["channel"])
        place: MessageKey = (held.names.get(channel, channel), str(line["ts"]))
        if place in texts:
            conversations[line["channel"], line.get("year_file", ""), line["conversation_id"]].append(place)
    found: list[Judged] = []
    for places in conversations.values():
        first, *others = sorted(set(places), key=lambda place: place[1])
        if len(others) + 1 >= LEAST and texts[first].strip():
            found.append(Judged(texts[first], frozenset({first}), frozenset(others)))
    return found


def _judged(line: Line) -> Judged:
    channel = line.get("channel_id", "")
    exclude = frozenset((channel, str(ts)) for ts in line.get("exclude", ()))
    relevant = frozenset((each["channel_id"], str(each["ts"])) for each in line["relevant"])
    return Judged(line["query"], exclude, relevant)
