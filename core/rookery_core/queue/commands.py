"""`rookery queue stats|list|show|retry|cancel|purge|pause|resume|replay|top`: what an operator does with the queue."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

from rookery_core.console import run_configured
from rookery_core.errors import InvalidInput
from rookery_core.queue.model import LAST_ID
from rookery_core.queue.tables import print_event, print_rows, print_stats
from rookery_core.settings import CoreSettings

if TYPE_CHECKING:
    from rookery_core.queue.queue import Queue

_EPILOG = """\
examples:
  rookery queue stats
  rookery queue top
  rookery queue list --state dead --subscription bot
  rookery queue show 4711 --json | jq .errors
  rookery queue retry 4711 4712
  rookery queue retry --dead --subscription bot
  rookery queue purge dead --older-than 7d
  rookery queue replay --subscription ingest --since 2026-03-01T09:00

exit status: 0 done; 1 nothing by that id or name, or nothing was to be done; 2 an argument is wrong;
69 the database is not reachable.
"""
_STATES = ("ready", "scheduled", "blocked", "leased", "dead", "done", "cancelled", "discarded")
_UNITS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}

Command = Callable[["Queue", argparse.Namespace], Coroutine[Any, Any, int]]


def add_commands(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:  # pyright: ignore[reportPrivateUsage]
    """Add `queue` to a command line. The parsed arguments then have `run`: call it with them for the exit status."""
    raw = argparse.RawDescriptionHelpFormatter
    parser = subparsers.add_parser(
        "queue", help="look into the event queue and run it", epilog=_EPILOG, formatter_class=raw,
        description="Look into the event queue and run it.",
    )  # fmt: skip
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")

    def add(name: str, command: Command, text: str) -> argparse.ArgumentParser:
        action = actions.add_parser(
            name, help=text, description=text[0].upper() + text[1:] + ".", epilog=_EPILOG, formatter_class=raw
        )
        action.add_argument("--json", action="store_true", help="print JSON on standard output")
        action.set_defaults(run=_runner(command))
        return action

    add("stats", _stats, "show how many events of each subscription wait, run and are dead")
    top = add("top", _top, "show the same as a live table until interrupted")
    top.add_argument("--every", type=_interval, default=1.0, metavar="TIME", help="how often to look (1s)")
    listing = add("list", _list, "list events: live ones, or those in a state")
    listing.add_argument("--state", choices=_STATES, help="only events in this state")
    listing.add_argument("--subscription", metavar="NAME", help="only events of this subscription")
    listing.add_argument("--limit", type=int, default=50, metavar="N", help="how many at most (50)")
    listing.add_argument("--after", type=_event_id, metavar="ID", help="go on after this id")
    add("show", _show, "show one event: live, dead letter or history").add_argument("id", type=_event_id)
    retry = add("retry", _retry, "run dead letters again, and scheduled events now")
    retry.add_argument("id", type=_event_id, nargs="*")
    retry.add_argument("--dead", action="store_true", help="every dead letter (of --subscription)")
    retry.add_argument("--subscription", metavar="NAME", help="with --dead: only of this subscription")
    add("cancel", _cancel, "cancel events; running ones are requested to stop").add_argument(
        "id", type=_event_id, nargs="+"
    )
    purge = add("purge", _purge, "discard dead letters, or delete history")
    purge.add_argument("what", choices=("dead", "history"))
    purge.add_argument(
        "id", type=_event_id, nargs="*", help="dead letters to discard; without any, all that match"
    )
    purge.add_argument("--subscription", metavar="NAME", help="only of this subscription")
    purge.add_argument(
        "--older-than", type=_seconds, metavar="TIME", help="only what is older, such as 12h or 30d"
    )
    add("pause", _pause, "claim nothing more of a subscription").add_argument("subscription")
    add("resume", _resume, "claim from a paused subscription again").add_argument("subscription")
    replay = add("replay", _replay, "publish finished events again from the history")
    replay.add_argument("id", type=_event_id, nargs="*")
    replay.add_argument("--subscription", metavar="NAME", help="only of this subscription")
    replay.add_argument("--since", metavar="TIME", help="finished at or after, such as 2026-03-01T09:00")
    replay.add_argument("--until", metavar="TIME", help="finished before")


def _runner(command: Command) -> Callable[[argparse.Namespace], int]:
    def run(arguments: argparse.Namespace) -> int:
        return run_configured(
            f"rookery queue {arguments.action}",
            CoreSettings.from_environment,
            lambda settings: _with_queue(settings, command, arguments),
        )

    return run


async def _with_queue(settings: CoreSettings, command: Command, arguments: argparse.Namespace) -> int:
    from rookery_core.database import Database
    from rookery_core.queue.queue import Queue

    async with await Database.open(settings, "rookery_agent", "rookery queue", max_connections=2) as database:
        return await command(Queue(database, team=settings.team), arguments)


async def _stats(queue: Queue, arguments: argparse.Namespace) -> int:
    stats = await queue.stats()
    _print_json(stats) if arguments.json else print_stats(stats)
    return 0


async def _top(queue: Queue, arguments: argparse.Namespace) -> int:
    from rookery_core.queue.tables import live_stats

    if arguments.json:  # a line for each look, for other programs
        while True:
            print(json.dumps(await queue.stats(), default=str), flush=True)
            await asyncio.sleep(arguments.every)
    await live_stats(queue.stats, arguments.every)
    return 0


async def _list(queue: Queue, arguments: argparse.Namespace) -> int:
    rows = await queue.list(
        arguments.state, subscription=arguments.subscription, limit=arguments.limit, after=arguments.after
    )
    if arguments.json:
        _print_json(rows)
        return 0
    print_rows(rows)
    if len(rows) == arguments.limit:
        print(f"There may be more: go on with --after {rows[-1]['id']}.", file=sys.stderr)
    return 0


async def _show(queue: Queue, arguments: argparse.Namespace) -> int:
    event = await queue.show(arguments.id)
    event["effects"] = await queue.effects.of(f"event:{arguments.id}")
    _print_json(event) if arguments.json else print_event(event)
    return 0


async def _retry(queue: Queue, arguments: argparse.Namespace) -> int:
    ids: list[int] = list(arguments.id)
    if bool(ids) == arguments.dead or (arguments.subscription and not arguments.dead):
        raise InvalidInput(
            "Say what to retry: ids, or --dead, alone or with --subscription.",
            hint="`rookery queue list --state dead` shows what there is.",
        )
    retried: list[int] = await queue.retry(ids) if ids else []
    last = 0
    while arguments.dead:
        rows = await queue.list("dead", subscription=arguments.subscription, limit=1000, after=last)
        if not rows:
            break
        last = rows[-1]["id"]
        retried += await queue.retry([row["id"] for row in rows])
    missing = set(ids) - set(retried)
    if arguments.json:
        _print_json({"retried": retried, "left_alone": sorted(missing)})
    else:
        print(f"{len(retried)} retried")
        _complain(missing, "is neither a dead letter nor scheduled")
    return 1 if missing or not retried else 0


async def _cancel(queue: Queue, arguments: argparse.Namespace) -> int:
    cancelled, requested = await queue.cancel(arguments.id)
    missing = set(arguments.id) - {*cancelled, *requested}
    if arguments.json:
        _print_json({"cancelled": cancelled, "asked_to_stop": requested, "left_alone": sorted(missing)})
    else:
        print(f"{len(cancelled)} cancelled, {len(requested)} running and asked to stop")
        _complain(missing, "neither waits nor runs")
    return 1 if missing else 0


async def _purge(queue: Queue, arguments: argparse.Namespace) -> int:
    number = await queue.purge(
        arguments.what,
        event_ids=arguments.id or None,
        subscription=arguments.subscription,
        older_than_s=arguments.older_than,
    )
    _print_json({"purged": number}) if arguments.json else print(f"{number} purged")
    return 1 if number < len(set(arguments.id)) else 0


async def _pause(queue: Queue, arguments: argparse.Namespace) -> int:
    await queue.pause(arguments.subscription)
    return _done(arguments, "paused")


async def _resume(queue: Queue, arguments: argparse.Namespace) -> int:
    await queue.resume(arguments.subscription)
    return _done(arguments, "resumed")


async def _replay(queue: Queue, arguments: argparse.Namespace) -> int:
    number = await queue.replay(
        event_ids=arguments.id or None,
        subscription=arguments.subscription,
        since=_moment(arguments.since, "--since"),
        until=_moment(arguments.until, "--until"),
    )
    _print_json({"replayed": number}) if arguments.json else print(f"{number} published again")
    return 0 if number else 1


def _done(arguments: argparse.Namespace, what: str) -> int:
    if arguments.json:
        _print_json({what: arguments.subscription})
    else:
        print(f"{arguments.subscription} {what}")
    return 0


def _complain(ids: set[int], why: str) -> None:
    for event_id in sorted(ids):
        print(f"{event_id} {why}: left alone", file=sys.stderr)


def _print_json(value: Any) -> None:
    print(json.dumps(value, indent=2, ensure_ascii=False, default=str))


def _event_id(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text[:20]) <= LAST_ID:
        raise argparse.ArgumentTypeError(f"{text!r} is not the id of an event: a whole number from 1")
    return int(text)


def _interval(text: str) -> float:
    """The time between two looks, at least a tenth of a second: each counts the whole queue."""
    return max(0.1, _seconds(text))


def _seconds(text: str) -> float:
    """Seconds of a time such as 90, 90s, 15m, 12h or 30d."""
    number, unit = (text[:-1], text[-1]) if text[-1:] in _UNITS else (text, "s")
    try:
        seconds = float(number) * _UNITS[unit]
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds < 1e10:
        raise argparse.ArgumentTypeError(f"{text!r} is not a time: write 90s, 15m, 12h or 30d")
    return seconds


def _moment(text: str | None, option: str) -> Any:
    from datetime import datetime

    if text is None:
        return None
    try:
        return datetime.fromisoformat(text).astimezone()
    except (ValueError, OverflowError):
        raise InvalidInput(
            f"{option} {text!r} is not a time.", hint="Write it as 2026-03-01T09:00."
        ) from None
