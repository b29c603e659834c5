"""Long-term memory: evidence recall, what a new fact replaces, latency and rate.

    make bench-memory [DATA=locomo.json] [SCALE=1]
    .venv/bin/python -m bench.memory [--data FILE] [--conflicts FILE] [--only retrieval|conflicts|speed]

DATA is in LoCoMo's or LongMemEval's format, plain or gzipped; any set of conversations with judged turns will do. Without it retrieval
is left out. Everything goes through the store, as the tools do; no model key is used.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from bench.memory import conflicts as memory_conflicts
from bench.memory import conversations as memory_conversations
from bench.memory import policies as memory_policies
from bench.memory import replacements as memory_replacements
from bench.memory import speed as memory_speed
from bench.memory.peers import BM25_PEER, REFERENCE
from bench.memory.retrieval import Retrieval, measure
from bench.report import Result, show, write
from rookery_core.database import Database
from rookery_core.embedders import create_embedder
from rookery_core.errors import RookeryError
from rookery_core.settings import CoreSettings
from rookery_memory.store import MemoryStore

COMMAND = "make bench-memory DATA=locomo.json"
MEMORIES = 100_000
SCOPES = 1_000
QUERIES = 400
WRITERS = 4


async def run(arguments: argparse.Namespace, folder: Path) -> list[Result]:
    """Measure what was asked for, on a database of its own."""
    conversations = memory_conversations.read(Path(arguments.data)) if arguments.data else []
    settings = CoreSettings(data_dir=folder, embedder="wordllama")
    database = await Database.open(settings, role="rookery_memory", application_name="bench-memory")
    store = MemoryStore(database, create_embedder(settings))
    wanted = arguments.only or ("retrieval", "conflicts", "speed")
    results: list[Result] = []
    try:
        if "retrieval" in wanted and arguments.data:
            results += await retrieval(store, conversations)
        elif "retrieval" in wanted:
            print("No DATA: retrieval is left out. Pass a file in LoCoMo's format.")
        if "conflicts" in wanted:
            results += await conflicts(store, arguments.conflicts)
            write("memory", results)  # what is known, should the rest take too long
        if "speed" in wanted:
            results += await speed(store, settings, float(os.environ.get("SCALE", "1")))
    finally:
        await store.close()
        await database.close()
    return results


async def retrieval(
    store: MemoryStore, conversations: Sequence[memory_conversations.Conversation]
) -> list[Result]:
    """Evidence recall by turn, from turns alone and with the facts that the data ships."""
    alone = await measure(store, conversations, team="turns", facts=False, peers=True)
    results = _retrieval_results("memory.turns", alone, targets={"R@10": 76.0, "MRR": 52.0})
    if any(conversation.facts for conversation in conversations):
        with_facts = await measure(store, conversations, team="facts", facts=True, peers=False)
        with_facts.peers = alone.peers
        results += _retrieval_results("memory.facts", with_facts, targets={"R@10": 80.0, "MRR": 62.0})
    return results


def _retrieval_results(name: str, measured: Retrieval, targets: dict[str, float]) -> list[Result]:
    questions = len(measured.ours.values["all"]["MRR"])
    results = [
        Result(
            id=f"{name}.{measure}",
            value=measured.ours.mean(measure),
            unit="%",
            command=COMMAND,
            target=targets.get(measure),
            peer=measured.peers[BM25_PEER].mean(measure),
            peer_name=BM25_PEER,
            samples=[scores.mean(measure) for scores in measured.by_conversation.values()],
            note=f"{questions} questions; settings chosen on the other conversations: {_held_out(measured, measure)}",
        )
        for measure in ("R@5", "R@10", "R@20", "MRR")
    ]
    results += [
        Result(
            id=f"{name}.{category}.{measure}",
            value=measured.ours.mean(measure, category),
            unit="%",
            command=COMMAND,
            peer=measured.peers[REFERENCE].mean(measure, category),
            peer_name=REFERENCE,
            note=f"{len(measured.ours.values[category]['MRR'])} questions",
        )
        for category in sorted(measured.ours.categories)
        for measure in ("R@10", "MRR")
    ]
    results += [
        Result(
            id=f"{name}.peer.{peer.replace(' ', '_')}.{measure}",
            value=scores.mean(measure),
            unit="%",
            command=COMMAND,
        )
        for peer, scores in measured.peers.items()
        for measure in ("R@10", "MRR")
        if name.endswith("turns")
    ]
    return results


def _held_out(measured: Retrieval, measure: str) -> str:
    return (
        f"{measured.held_out.mean(measure):.1f}"
        if measured.held_out.values
        else "not judged (one conversation)"
    )


async def conflicts(store: MemoryStore, path: str | None) -> list[Result]:
    """What a new fact replaces, among the candidates that remember answers."""
    if path:
        return await _conflicts(
            store, "memory.conflicts", memory_conflicts.read(Path(path)), 98.0, "of the data"
        )
    results: list[Result] = []
    for kind, replacements in memory_replacements.generated().items():
        name = f"memory.conflicts.{kind.replace(', ', '.').replace(' ', '_')}"
        results += await _conflicts(store, name, replacements, 98.0, memory_replacements.MEANING[kind])
    return results


async def _conflicts(
    store: MemoryStore,
    name: str,
    replacements: list[memory_replacements.Replacement],
    target: float | None,
    how: str,
) -> list[Result]:
    first, among_three, judged = await memory_conflicts.hits(store, name, replacements)
    note = f"{judged} new facts, {how}"
    return [
        Result(id=f"{name}.hit@1", value=first, unit="%", command=COMMAND, note=note),
        Result(id=f"{name}.hit@3", value=among_three, unit="%", command=COMMAND, target=target, note=note),
    ]


async def speed(store: MemoryStore, settings: CoreSettings, scale: float) -> list[Result]:
    """Latency and rate at 100,000 memories, times SCALE.

    People of many scopes write at the same time, as a server serves them: one after another leaves a core idle.
    """
    memories, scopes = round(MEMORIES * scale), max(round(SCOPES * scale), 1)
    each = max(memories // scopes, 1)
    alone = await memory_speed.load_many_scopes(store, "alone", max(scopes // 10, 1), each)
    many = await memory_speed.load_many_scopes(store, "many", scopes, each, at_once=WRITERS)
    callers = [memory_speed.person("many", number) for number in range(0, scopes, max(scopes // 50, 1))]
    spread = await memory_speed.recall_times(store, callers, QUERIES)
    policies = await memory_policies.with_and_without(store, settings, callers, QUERIES // 2)
    one = memory_speed.person("one", 0)
    single = await memory_speed.load_one_scope(store, one, memories)
    fresh = await memory_speed.recall_times(store, [one], QUERIES // 4)
    started = time.perf_counter()
    await store.tend(one)
    indexed = time.perf_counter() - started
    whole = await memory_speed.recall_times(store, [one], QUERIES)
    counted = f"{memories:,} memories in {scopes:,} scopes"
    return [
        _latency("memory.recall.scopes.p95", spread, counted),
        _latency("memory.recall.one_scope.p95", whole, f"{memories:,} memories in one scope, indexed"),
        _latency("memory.recall.one_scope_before_indexing.p95", fresh, "immediately after loading"),
        _rate("memory.remember.one_scope", single),
        _rate("memory.remember.scopes", many, f"{WRITERS} people at once, {each} memories a transaction"),
        _rate("memory.remember.scopes_one_after_another", alone, "one person at a time"),
        _row_security(*policies),
        Result(
            id="memory.remember.until_indexed",
            value=single.seconds + indexed,
            unit="s",
            command=COMMAND,
            better="lower",
            note=f"{memories:,} memories stored in {single.seconds:.1f} s; words counted, vectors in the index {indexed:.1f} s later",
        ),
    ]


def _latency(name: str, times: Sequence[float], note: str) -> Result:
    middle = memory_speed.percentile(times, 0.5)
    return Result(
        id=name,
        value=memory_speed.percentile(times, 0.95),
        unit="ms",
        command=COMMAND,
        better="lower",
        note=f"{note}; p50 {middle:.1f} ms, {len(times)} queries",
    )


def _row_security(enforced: Sequence[float], off: Sequence[float]) -> Result:
    return Result(
        id="memory.recall.row_security.overhead",
        value=memory_policies.overhead(enforced, off),
        unit="%",
        command=COMMAND,
        better="lower",
        samples=[*enforced, *off],
        note=f"p50 {statistics.median(enforced):.2f} ms with the policies, {statistics.median(off):.2f} ms without, "
        f"{len(off)} rounds of each in turn",
    )


def _rate(name: str, loaded: memory_speed.Loaded, how: str = "one person") -> Result:
    return Result(
        id=name,
        value=loaded.rate,
        unit="memories/s",
        command=COMMAND,
        note=f"{how}; {loaded.memories:,} with vectors, found at once by words and by exact ranking of vectors",
    )


def main() -> None:
    """Measure, print the table, write the results."""
    parser = argparse.ArgumentParser(prog="bench.memory", description=__doc__)
    parser.add_argument("--data", default=os.environ.get("DATA"), help="conversations in LoCoMo's format")
    parser.add_argument(
        "--conflicts", default=os.environ.get("CONFLICTS"), help="facts and what replaces them"
    )
    parser.add_argument("--only", action="append", choices=("retrieval", "conflicts", "speed"))
    arguments = parser.parse_args()
    try:
        with tempfile.TemporaryDirectory(prefix="rookery-bench-") as folder:
            results = asyncio.run(run(arguments, Path(folder) / "data"))
    except RookeryError as error:
        parser.exit(error.exit_status, f"bench.memory: {error}\n")
    show(results, "Memory")
    print(f"written to {write('memory', results)}")


if __name__ == "__main__":
    main()
