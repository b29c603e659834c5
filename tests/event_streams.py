"""Event streams as they arrive in bad times: shuffled, doubled, or a part of them a day late."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, cast

Payload = dict[str, Any]
DAY_S = 86_400.0
LATE_SHARE = 0.2


def recorded(folder: Path) -> list[Payload]:
    """The stream in a folder of *.jsonl files (or in its folder logs/): one event a line, in order of arrival."""
    files = sorted(folder.glob("*.jsonl")) or sorted((folder / "logs").glob("*.jsonl"))
    if not files:
        raise SystemExit(f"{folder}: holds no *.jsonl files of events, nor a folder logs that does.")
    return [
        _payload(event, number)
        for number, event in enumerate(each for file in files for each in _events(file))
    ]


def _events(file: Path) -> Iterator[Payload]:
    for number, line in enumerate(file.read_text("utf-8", "replace").split("\n"), 1):
        try:
            event = json.loads(line) if line.strip() else None
        except ValueError as error:
            raise SystemExit(f"{file}: line {number} is not JSON ({error}).") from None
        if isinstance(event, dict):
            yield cast("Payload", event)


def _payload(event: Payload, number: int) -> Payload:
    if event.get("type") == "event_callback":
        return event
    return {"type": "event_callback", "event_id": f"Ev{number}", "event": event}


def arranged(stream: Sequence[Payload], seed: int) -> dict[str, list[Payload]]:
    """The stream in order, shuffled, doubled, and with a fifth of it delayed by a day."""
    dice = random.Random(seed)
    shuffled = list(stream)
    dice.shuffle(shuffled)
    doubled = [payload for payload in stream for _ in range(2)]
    dice.shuffle(doubled)
    return {
        "in order": list(stream),
        "shuffled": shuffled,
        "doubled": doubled,
        "delayed": delayed(stream, dice),
    }


def delayed(stream: Sequence[Payload], dice: random.Random) -> list[Payload]:
    """Each event at its own time, but a fifth of them, drawn by lot, a day after it."""
    arrivals = [_sent_at(payload) + (DAY_S if dice.random() < LATE_SHARE else 0) for payload in stream]
    return [stream[at] for at in sorted(range(len(stream)), key=arrivals.__getitem__)]


def _sent_at(payload: Payload) -> float:
    event = payload["event"]
    return float(event.get("event_ts") or event.get("ts") or payload.get("event_time") or 0)
