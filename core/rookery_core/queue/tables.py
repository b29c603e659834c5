"""The queue's figures and events as tables for people."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from rich.console import Console, Group
    from rich.table import Table

_COUNTS = ("ready", "scheduled", "blocked", "leased", "dead", "done_last_minute")
MAX_PAYLOAD_LENGTH = 60
_FIRST = (
    "id",
    "found_in",
    "state",
    "outcome",
    "reason",
    "topic",
    "subscription",
    "attempts",
    "errors",
    "effects",
)


def print_stats(stats: dict[str, Any]) -> None:
    """Print what `Queue.stats` answers."""
    _console().print(_stats_view(stats))


async def live_stats(stats: Callable[[], Awaitable[dict[str, Any]]], every_s: float) -> None:
    """Show the figures until interrupted: in one place on a terminal, below each other elsewhere."""
    from rich.live import Live

    console = _console()
    with Live(console=console, auto_refresh=False) if console.is_terminal else nullcontext() as live:
        while True:
            view = _stats_view(await stats())
            if live is None:
                console.print(view)
            else:
                live.update(view, refresh=True)
            await asyncio.sleep(every_s)


def print_event(event: dict[str, Any]) -> None:
    """Print what `Queue.show` answers: a line for what is short, a line for each entry of a list."""
    first = {name: event[name] for name in _FIRST if name in event}
    for name, value in (first | event).items():
        for part in _parts(value):
            print(f"{name:16} {_printable(part)}")


def _parts(value: Any) -> list[str]:
    if value is None:
        return []
    if isinstance(value, list):
        return [part for entry in cast("list[Any]", value) for part in _parts(entry)]
    if isinstance(value, str | int):
        return [str(value)]
    return [json.dumps(value, ensure_ascii=False, default=str)]


def print_rows(rows: Sequence[dict[str, Any]]) -> None:
    """Print what `Queue.list` answers."""
    if not rows:
        print("no events")
        return
    table = _table("id", "state", "subscription", "attempts", "priority", "ordering key", "since", "payload")
    for row in rows:
        payload = json.dumps(row["payload"], ensure_ascii=False)
        since = row.get("finished_at") or row.get("died_at") or row["enqueued_at"]
        table.add_row(
            str(row["id"]), row["state"], row["subscription"], str(row["attempts"]), str(row["priority"]),
            _plain(row["ordering_key"] or ""), f"{since.astimezone():%Y-%m-%d %H:%M:%S}",
            _plain(payload[:MAX_PAYLOAD_LENGTH] + ("…" if len(payload) > MAX_PAYLOAD_LENGTH else "")),
        )  # fmt: skip
    _console().print(table)


def _stats_view(stats: dict[str, Any]) -> Group:
    from rich.console import Group

    table = _table(
        "subscription", "topic", *(name.replace("_", " ") for name in _COUNTS), "oldest", "run", "workers"
    )
    for row in stats["subscriptions"]:
        name = row["subscription"] + (" (paused)" if row["paused"] else "")
        counts = [f"{row[count]:,}" if row[count] else "·" for count in _COUNTS]
        counts[_COUNTS.index("dead")] = f"[red]{row['dead']:,}[/]" if row["dead"] else "·"
        table.add_row(
            name, row["topic"], *counts, _duration(row["oldest_ready_s"]), _duration(row["mean_run_s"]),
            str(row["workers"]),
        )  # fmt: skip
    workers = _table("worker", "state", "in flight", "slots", "subscriptions", "heard of")
    for row in stats["workers"]:
        workers.add_row(
            row["id"], row["state"], str(row["in_flight"]), str(row["concurrency"]),
            ", ".join(row["subscriptions"]), _duration(row["silent_s"]) + " ago",
        )  # fmt: skip
    return (
        Group(table, workers, _health(stats["health"]))
        if stats["workers"]
        else Group(table, _health(stats["health"]))
    )


def _health(health: dict[str, Any]) -> str:
    age = health.get("oldest_snapshot_age")
    used = 100 * (health.get("notification_queue_used") or 0)
    snapshot = "" if age is None else f", oldest snapshot {age:,} transactions old"
    return f"{health.get('dead_rows') or 0:,} dead rows{snapshot}, notification queue {used:.0f} % full"


def _table(*headings: str) -> Table:
    from rich.table import Table

    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    for heading in headings:
        table.add_column(heading, no_wrap=heading != "payload")
    return table


def _console() -> Console:
    from rich.console import Console

    console = Console()
    return console if console.is_terminal else Console(width=200)


def _plain(text: str) -> str:
    """Text of others, in which rich must not find markup nor the terminal control sequences."""
    from rich.markup import escape

    return escape(_printable(text))


def _printable(text: str) -> str:
    return "".join(character if character.isprintable() else " " for character in text)


def _duration(seconds: float | None) -> str:
    if seconds is None:
        return "·"
    for limit, size, unit in ((1, 0.001, "ms"), (120, 1, "s"), (7_200, 60, "min"), (172_800, 3_600, "h")):
        if seconds < limit:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds / 86_400:.0f} d"
