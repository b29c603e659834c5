"""The event queue beside PgQueuer, Procrastinate and a bare loop: one server, one run, rounds interleaved.

    python -m bench.queue            # a few minutes
    SCALE=3 python -m bench.queue    # three times as many jobs
    ROUNDS=5 python -m bench.queue   # more rounds

Writes bench/results/queue.json. Every figure is the median of its rounds; a ratio compares medians of this run.
"""

from __future__ import annotations

import os
import statistics
import sys
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from bench.queue import floor as queue_floor
from bench.queue import pickup as queue_pickup
from bench.queue.ours import Ours
from bench.queue.peers import PgQueuerParts, ProcrastinateParts
from bench.queue.server import BenchServer, Sample, bench_server
from bench.report import Result, show, write
from rookery_core import garbage_collection

SCALE = float(os.environ.get("SCALE", "1"))
ROUNDS = int(os.environ.get("ROUNDS", "3"))
COMMAND = "python -m bench.queue"
PGQUEUER, PROCRASTINATE, FLOOR = "PgQueuer", "Procrastinate", "bare loop"


@dataclass
class Measured:
    """Every sample of every part, by name."""

    rates: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list[float]))
    cpus: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list[float]))

    def add(self, name: str, sample: Sample) -> None:
        self.rates[name].append(sample.rate)
        self.cpus[name].append(sample.cpu_us)
        print(
            f"  {name:28} {sample.rate:>10,.0f}/s  {sample.cpu_us:>8,.1f} us a job",
            file=sys.stderr,
            flush=True,
        )

    def add_times(self, name: str, times_ms: Sequence[float]) -> None:
        ordered = sorted(times_ms)
        for label, share in (("p50", 0.5), ("p99", 0.99)):
            value = ordered[min(len(ordered) - 1, int(len(ordered) * share))]
            self.rates[f"{name}.{label}"].append(value)
            print(f"  {name + '.' + label:28} {value:>10.2f} ms", file=sys.stderr, flush=True)

    def median(self, name: str) -> float:
        return statistics.median(self.rates[name])

    def cpu(self, name: str) -> float:
        return statistics.median(self.cpus[name])


def _hot(jobs: int) -> Callable[[int], str]:
    return lambda n: "hot" if n < 0.3 * jobs else f"key-{n % 2000}"


async def one_round(server: BenchServer, measured: Measured) -> None:
    ours, pgqueuer, procrastinate = Ours(server), PgQueuerParts(server), ProcrastinateParts(server)
    jobs, few = int(20_000 * SCALE), int(1_500 * SCALE)
    keyed = int(10_000 * SCALE)
    measured.add("enqueue.ours", await ours.enqueue_bulk(jobs))
    measured.add("enqueue.pgqueuer", await pgqueuer.enqueue_bulk(jobs))
    measured.add("enqueue.procrastinate", await procrastinate.enqueue_bulk(jobs // 5))
    measured.add("drain.ours", await ours.drain(jobs))
    measured.add("drain.floor", await queue_floor.drain(server, jobs))
    measured.add("drain.pgqueuer.best", await pgqueuer.drain(jobs, batch=100, cap=None))
    measured.add("drain.pgqueuer.capped", await pgqueuer.drain(jobs // 2, batch=10, cap=20))
    measured.add("drain.procrastinate", await procrastinate.drain(few))
    measured.add(
        "drain.laden", await ours.drain(jobs, pending=int(100_000 * SCALE), history=int(1_000_000 * SCALE))
    )
    measured.add("drain.keyed", await ours.drain(jobs, lane_of=lambda n: f"key-{n % 2000}"))
    measured.add("drain.hot", await ours.drain(keyed, lane_of=_hot(keyed)))
    measured.add("effects.ours", await ours.effects(keyed))
    measured.add("transactions.ours", await ours.transactions(keyed // 2))
    measured.add("single.ours", await ours.enqueue_single(keyed))
    measured.add("single.pgqueuer", await pgqueuer.enqueue_single(keyed // 2))
    measured.add("single.procrastinate", await procrastinate.enqueue_single(few))
    rounds = await ours.held_snapshot(keyed, 6)
    measured.rates["snapshot"].append(100 * rounds[-1] / rounds[0])
    print(f"  snapshot {[round(rate) for rate in rounds]}", file=sys.stderr, flush=True)
    measured.add_times("pickup.ours", await queue_pickup.ours(server, 300))
    measured.add_times("pickup.pgqueuer", await queue_pickup.pgqueuer(server, 300))
    measured.add_times("pickup.procrastinate", await queue_pickup.procrastinate_(server, 150))
    measured.add_times("pickup.crowd", await queue_pickup.ours(server, 300, processes=4, workers=4))


def results(m: Measured) -> list[Result]:
    def rate(
        id: str, name: str, peer: str | None = None, peer_name: str | None = None,
        note: str | None = None, unit: str = "/s",
    ) -> Result:  # fmt: skip
        return Result(
            id=f"queue.{id}", value=m.median(name), unit=unit, command=COMMAND,
            peer=m.median(peer) if peer else None, peer_name=peer_name, samples=m.rates[name], note=note,
        )  # fmt: skip

    def cost(id: str, name: str, peer: str, peer_name: str) -> Result:
        return Result(
            id=f"queue.{id}", value=m.cpu(name), unit="us cpu/job", command=COMMAND, better="lower",
            peer=m.cpu(peer), peer_name=peer_name, samples=m.cpus[name],
        )  # fmt: skip

    def wait(id: str, name: str, peer: str, peer_name: str) -> Result:
        return Result(
            id=f"queue.{id}", value=m.median(name), unit="ms", command=COMMAND, better="lower",
            peer=m.median(peer), peer_name=peer_name, samples=m.rates[name],
        )  # fmt: skip

    def share(id: str, value: float, target: float, note: str) -> Result:
        return Result(id=f"queue.{id}", value=value, unit="%", command=COMMAND, target=target, note=note)

    drain = m.median("drain.ours")
    return [
        rate("drain", "drain.ours", "drain.pgqueuer.best", PGQUEUER, "10 slots; peer at its best"),
        share("drain.to_pgqueuer", 100 * drain / m.median("drain.pgqueuer.best"), 200, "of PgQueuer's best"),
        share(
            "drain.to_procrastinate", 100 * drain / m.median("drain.procrastinate"), 4_000, "of Procrastinate"
        ),
        share("drain.to_floor", 100 * drain / m.median("drain.floor"), 50, "of the bare loop at 50 a batch"),
        rate("drain.pgqueuer_capped", "drain.pgqueuer.capped", note="PgQueuer, batch 10, 20 at once"),
        rate("drain.procrastinate", "drain.procrastinate", note="Procrastinate, 10 at once"),
        rate("drain.floor", "drain.floor", note="the bare loop"),
        cost("drain.cpu", "drain.ours", "drain.pgqueuer.best", PGQUEUER),
        share(
            "drain.laden", 100 * m.median("drain.laden") / drain, 80, "of it with 1M of history, 100k pending"
        ),
        share("drain.keyed", 100 * m.median("drain.keyed") / drain, 80, "of it with uniform ordering keys"),
        rate("drain.hot_key", "drain.hot", note="30 % of the jobs on one key, at the head"),
        share("drain.held_snapshot", m.median("snapshot"), 80, "last of 6 rounds, of the first"),
        rate("effects", "effects.ours", note="effect and completion in one commit each"),
        cost("effects.cpu", "effects.ours", "drain.ours", "a plain job"),
        rate("transactions", "transactions.ours", note="a transaction of the handler's own each"),
        rate("enqueue.bulk", "enqueue.ours", "enqueue.pgqueuer", PGQUEUER, "with keys; peers without"),
        rate("enqueue.bulk_procrastinate", "enqueue.procrastinate", note="Procrastinate"),
        rate("enqueue.single", "single.ours", "single.pgqueuer", PGQUEUER, "10 producers, wake-ups on"),
        rate("enqueue.single_procrastinate", "single.procrastinate", note="Procrastinate"),
        wait("pickup.p50", "pickup.ours.p50", "pickup.pgqueuer.p50", PGQUEUER),
        wait("pickup.p99", "pickup.ours.p99", "pickup.pgqueuer.p99", PGQUEUER),
        wait("pickup.procrastinate_p50", "pickup.procrastinate.p50", "pickup.ours.p50", "Rookery"),
        wait("pickup.crowd_p50", "pickup.crowd.p50", "pickup.ours.p50", "one claimer"),
        wait("pickup.crowd_p99", "pickup.crowd.p99", "pickup.ours.p99", "one claimer"),
    ]


async def main() -> None:
    measured = Measured()
    async with bench_server() as server:
        await PgQueuerParts(server).install()
        await ProcrastinateParts(server).install()
        garbage_collection.freeze()  # for all alike: everything is imported that any of them needs
        for number in range(1, ROUNDS + 1):
            print(f"round {number} of {ROUNDS}", file=sys.stderr, flush=True)
            await one_round(server, measured)
    measurements = results(measured)
    path = write("queue", measurements)
    show(measurements, f"The event queue, {ROUNDS} rounds ({path})")


if __name__ == "__main__":
    import uvloop

    uvloop.run(main())
