"""Slack memory: how fast it fills, how fast it answers, how well it finds, whether order matters.

    make bench-slack                                            # made-up data, 100,000 messages
    make bench-slack EXPORT=export.zip QRELS=judgments.jsonl    # your own; .gz too; several with commas
    make bench-slack PARTS=scale ROWS=1000000                   # a part of it: import, retrieval, live, order, scale, columns
    make bench-slack PARTS=order STREAM=folder-of-events        # a recorded event stream, *.jsonl

Writes bench/results/slack.json. Runs on an embedded server of its own, in STORE if that names a folder (it is kept, and
what was filled there is used again), or on an empty database at DATABASE_URL. SCALE is a share of a million for ROWS.
"""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import sys
import time
import zipfile
from pathlib import Path
from typing import Any

from tests.event_streams import arranged, recorded

from bench.report import Result, show, write
from bench.slack import scale as slack_scale
from bench.slack.columns import Sizes, as_columns, as_rows, old_reads_ms
from bench.slack.judgments import Judged, NotReadable, judgments, read_lines
from bench.slack.order import digest
from bench.slack.retrieval import PEER, half_remembered, held, peer_quality, quality
from bench.slack.store import INGEST, BenchStore, bench_store
from bench.slack.waits import narrow_recall, waits
from rookery_core.embedders import create_embedder
from rookery_core.errors import RookeryError
from rookery_core.identity import Caller
from rookery_core.queue import Message, Queue
from rookery_ingest.slack.applying import MAX_BATCH, Applier
from rookery_ingest.slack.embedding import embed_backlog
from rookery_ingest.slack.export.archive import open_archive
from rookery_ingest.slack.export.choosing import Options
from rookery_ingest.slack.export.importer import import_export
from rookery_ingest.slack.export.layout import read_layout
from rookery_ingest.slack.export.report import Report
from rookery_ingest.slack.listening import SUBSCRIPTION, TOPIC, subscribe
from rookery_ingest.slack.live import pending_events
from rookery_ingest.slack.statistics import refresh
from rookery_ingest.slack.working import IngestWorker


def _number(name: str, default: str) -> float:
    try:
        return float(os.environ.get(name) or default)
    except ValueError:
        raise SystemExit(f"{name}: {os.environ[name]!r} is not a number.") from None


SCALE = _number("SCALE", "0.1")
ROWS = int(_number("ROWS", "0")) or int(1_000_000 * SCALE)
EXPORTS = [Path(path) for path in os.environ.get("EXPORT", "").split(",") if path]
QRELS = [Path(path) for path in os.environ.get("QRELS", "").split(",") if path]
STREAM = os.environ.get("STREAM", "")
CALLS = int(_number("CALLS", "100"))
QUERIES = int(_number("QUERIES", "300"))
GIVEN = ("EXPORT", "QRELS", "STREAM", "ROWS", "SCALE", "CALLS", "QUERIES")


def _command(part: str) -> str:
    """What prints the figures of a part again."""
    given = [f"{name}={value}" for name in GIVEN if (value := os.environ.get(name))]
    return " ".join([*given, f"PARTS={part}", "python -m bench.slack"])


def _say(line: str) -> None:
    print(f"  {line}", file=sys.stderr, flush=True)


def made_up_export(folder: Path, days: int = 60, per_day: int = 250) -> Path:
    """An export of two channels of made-up messages."""
    made, path = slack_scale.MadeUp(3), folder / "made-up.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        channels = [{"id": f"C{n}", "name": f"room-{n}", "members": ["U1"]} for n in (1, 2)]
        archive.writestr("channels.json", json.dumps(channels))
        archive.writestr("users.json", json.dumps([{"id": "U1", "team_id": "T1", "name": "ada"}]))
        for day in range(days):
            date = time.strftime("%Y-%m-%d", time.gmtime(1_700_000_000 + day * 86_400))
            for n in (1, 2):
                lines = [
                    {"type": "message", "user": "U1", "ts": f"{1_700_000_000 + day * 86_400 + at * 60}.000100",
                     "text": made.text()} for at in range(per_day)
                ]  # fmt: skip
                archive.writestr(f"room-{n}/{date}.json", json.dumps(lines))
    return path


async def measure_import(bench: BenchStore) -> list[Result]:
    """Messages a second into an empty store, until found by words, until found by meaning; and a second time."""
    if await slack_scale.stored(bench):
        await bench.forget_everything()
    exports = EXPORTS or [made_up_export(bench.folder)]
    command = _command("import")
    started = time.monotonic()
    messages = sum(
        [(await import_export(bench.ingest, INGEST, path, Options())).messages for path in exports]
    )
    await refresh(bench.ingest, INGEST)
    by_words = time.monotonic() - started
    embedder = create_embedder(bench.settings)
    assert embedder is not None
    async for _ in embed_backlog(bench.ingest, INGEST, embedder):
        pass
    both = time.monotonic() - started
    started = time.monotonic()
    for path in exports:
        await import_export(bench.ingest, INGEST, path, Options())
    again = time.monotonic() - started
    _say(
        f"import {messages} messages: {by_words:.1f} s by words, {both:.1f} s both ways, again {again:.1f} s"
    )
    return [
        Result(id="slack.import.words", value=messages / by_words, unit="messages/s", command=command),
        Result(id="slack.import.both", value=messages / both, unit="messages/s", command=command),
        Result(id="slack.import.both_s", value=both, unit="s", better="lower", command=command,
               note=f"until {messages} messages are searchable both ways"),
        Result(id="slack.import.again", value=again / both, unit="of the first", better="lower", target=0.2,
               command=command),
    ]  # fmt: skip


async def measure_retrieval(bench: BenchStore) -> list[Result]:
    """Shares of queries answered in the first ten, by mode, beside plain PostgreSQL."""
    store = await held(bench)
    parts: dict[str, list[Judged]] = {"half_remembered": half_remembered(store.texts, QUERIES)}
    if QRELS:
        found = [each for path in QRELS for each in judgments(read_lines(path), store)]
        if not found:
            raise NotReadable(
                f"QRELS: no message that {', '.join(map(str, QRELS))} calls relevant is in the export: EXPORT must "
                "hold the channels and ts of the judgments."
            )
        parts["conversations"] = found[:: max(1, len(found) // QUERIES)]
    results: list[Result] = []
    command = _command("retrieval")
    for name, judged in parts.items():
        peer = await peer_quality(bench, judged[::3])
        scores = {mode: await quality(bench, judged, mode) for mode in ("keyword", "semantic", "hybrid")}
        better_leg = max(scores["keyword"].hits, scores["semantic"].hits)
        for mode, score in scores.items():
            _say(f"{name} {mode}: hit@10 {score.hits:.3f}, MRR {score.mrr:.3f} of {score.queries}")
            target = better_leg if mode == "hybrid" else None
            results.append(
                Result(id=f"slack.find.{name}.{mode}", value=score.hits, unit="hit@10", target=target, command=command,
                       peer=peer.hits, peer_name=PEER, note=f"MRR {score.mrr:.3f}, {score.queries} queries")
            )  # fmt: skip
    return results


async def measure_live(bench: BenchStore, events: int = 4000) -> list[Result]:
    """Events a second out of the queue into the store, and how long one takes while they come at a bearable rate."""
    queue = Queue(bench.ingest)
    await subscribe(queue)
    made = slack_scale.MadeUp(5)
    await queue.enqueue_many(TOPIC, [_event(made, n) for n in range(events)])
    worker = IngestWorker(bench.ingest, queue, bench.settings, None)
    started = time.monotonic()
    async with worker.events():
        while await pending_events(queue):
            await asyncio.sleep(0.01)
        rate = events / (time.monotonic() - started)
        for n in range(events, events + 1000):
            message = _event(made, n)
            await queue.enqueue(TOPIC, message.payload, key=message.key, ordering_key=message.ordering_key)
            await asyncio.sleep(0.005)
        while await pending_events(queue):
            await asyncio.sleep(0.01)
    async with bench.ingest.acquire() as connection:
        waits = [
            row["wait"] for row in await connection.fetch(
                "select extract(epoch from finished_at - enqueued_at)::float8 as wait from queue.history "
                "where team = $1 and subscription = $2 order by event_id desc limit 1000", queue.team, SUBSCRIPTION)
        ]  # fmt: skip
    p99 = sorted(waits)[int(len(waits) * 0.99)]
    _say(f"live: {rate:.0f} events/s; p99 from event to searchable {p99 * 1000:.0f} ms")
    command = _command("live")
    return [
        Result(id="slack.live.apply", value=rate, unit="events/s", command=command),
        Result(id="slack.live.p99", value=p99, unit="s", better="lower", command=command,
               note="from the queue's acceptance to committed and searchable by words, at about 150 events/s"),
    ]  # fmt: skip


def _event(made: slack_scale.MadeUp, number: int) -> Message:
    ts = f"{1_760_000_000 + number}.000100"
    event: dict[str, Any] = {"type": "message", "channel": f"C{number % 20}", "channel_type": "channel", "ts": ts,
                             "event_ts": ts, "user": "U1", "text": made.text()}  # fmt: skip
    payload = {"type": "event_callback", "event_id": f"Ev{number}", "event": event}
    return Message(payload, key=f"Ev{number}", ordering_key=f"{event['channel']}:{ts}")


async def measure_scale(bench: BenchStore) -> list[Result]:
    """Waiting times in a large store, what narrow searches find, and what TimescaleDB makes of it where there is one."""
    command = _command("scale")
    if await slack_scale.stored(bench) != ROWS:
        await bench.forget_everything()
        took = await slack_scale.fill(bench, ROWS) | await slack_scale.add_vectors(bench)
        _say(f"{ROWS:,} messages, seconds: {', '.join(f'{name} {s:.0f}' for name, s in took.items())}")
    results: list[Result] = []
    for name, times in (await waits(bench, CALLS)).items():
        p95, median = sorted(times)[int(len(times) * 0.95)], statistics.median(times)
        _say(f"{name}: p50 {median:.1f} ms, p95 {p95:.1f} ms")
        results.append(
            Result(id=f"slack.wait.{name}", value=p95, unit="ms p95", better="lower", command=command,
                   note=f"{ROWS:,} messages, median {median:.1f} ms")
        )  # fmt: skip
    for name, share in (await narrow_recall(bench, CALLS)).items():
        _say(f"of what every row would give, {name} finds {share:.3f}")
        results.append(
            Result(
                id=f"slack.narrow.{name}", value=share, unit="of the exact ten", target=1.0, command=command
            )
        )
    return [*results, *await _columns_at_scale(bench, command)]


async def measure_columns(bench: BenchStore) -> list[Result]:
    """How much smaller columns are, of the exports or of what is stored. Nothing without TimescaleDB."""
    if bench.ingest.capabilities.timescaledb is None:
        return []
    for path in EXPORTS:
        await import_export(bench.ingest, INGEST, path, Options())
    return [_smaller(await as_columns(bench), _command("columns"))]


async def _columns_at_scale(bench: BenchStore, command: str) -> list[Result]:
    """Read old messages as rows, turn them into columns, read again."""
    if bench.ingest.capabilities.timescaledb is None:
        return []
    await as_rows(bench)
    before = await old_reads_ms(bench, CALLS)
    smaller = _smaller(await as_columns(bench), command)
    after = await old_reads_ms(bench, CALLS)
    _say(f"old reads take {after / before:.2f} times as long from columns")
    slower = Result(
        id="slack.columns.old_reads", value=after / before, unit="of plain chunks", better="lower", target=2,
        command=command, note=f"median {before:.1f} ms before, {after:.1f} ms after",
    )  # fmt: skip
    return [smaller, slower]


def _smaller(sizes: Sizes, command: str) -> Result:
    ratio = sizes.plain / sizes.columns
    note = (
        f"{sizes.plain / 1e6:.1f} MB plain, {sizes.columns / 1e6:.1f} MB, {sizes.chunks} chunks made columns"
    )
    _say(f"columns: {ratio:.1f} times smaller ({note})")
    return Result(
        id="slack.columns.size", value=ratio, unit="times smaller", target=5, command=command, note=note
    )


async def measure_order(bench: BenchStore) -> list[Result]:
    """A recorded stream in order, shuffled, doubled and with a fifth delayed by a day: whether the tables are equal."""
    if not STREAM:
        return []
    arrangements = arranged(recorded(Path(STREAM)), 1)
    digests: dict[str, str] = {}
    for name, stream in arrangements.items():
        applier = Applier(bench.ingest, Caller(team=name, kind="agent"))
        for start in range(0, len(stream), MAX_BATCH):
            await applier.apply(stream[start : start + MAX_BATCH])
        digests[name] = await digest(bench, name)
    same = sum(each == digests["in order"] for each in digests.values())
    _say(
        f"order: {same} of {len(digests)} arrangements of {len(arrangements['in order'])} events end the same"
    )
    return [
        Result(id="slack.order.same", value=same, unit="arrangements", target=len(digests),
               command=_command("order"), note=", ".join(digests))
    ]  # fmt: skip


PARTS = {
    "import": measure_import, "retrieval": measure_retrieval, "live": measure_live, "order": measure_order,
    "scale": measure_scale, "columns": measure_columns,
}  # fmt: skip


def _wanted() -> list[str]:
    wanted = [part for part in os.environ.get("PARTS", ",".join(PARTS)).split(",") if part]
    if unknown := [part for part in wanted if part not in PARTS]:
        raise SystemExit(f"PARTS: there is no part {', '.join(unknown)}; there are {', '.join(PARTS)}.")
    if "retrieval" in wanted and "import" not in wanted and not os.environ.get("STORE"):
        wanted.insert(0, "import")
    return wanted


def _check_given() -> None:
    """Look at what was given before anything is started. Raises NotReadable or RookeryError."""
    for path in EXPORTS:
        try:
            with open_archive(path) as archive:
                read_layout(archive, Report(str(path)))
        except RookeryError as error:
            problem = error.message.removeprefix("PATH: ").removeprefix(f"{path} ")
            raise NotReadable(f"EXPORT: {path}: {problem}") from None
    for path in QRELS:
        read_lines(path)
    if QRELS and not (EXPORTS or os.environ.get("STORE")):
        raise NotReadable("QRELS: judgments need the EXPORT that they are of.")
    if STREAM:
        recorded(Path(STREAM))


async def main() -> None:
    wanted = _wanted()
    try:
        _check_given()
        results: list[Result] = []
        async with bench_store() as bench:
            for part in wanted:
                results += await PARTS[part](bench)
    except (NotReadable, RookeryError) as error:
        raise SystemExit(str(error)) from None
    show(results, "Slack memory")
    write("slack", results)


if __name__ == "__main__":
    asyncio.run(main())
