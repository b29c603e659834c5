"""Whether searches say so when nothing fits: `make bench-answers DATA=folder`.

DATA holds docs/*.tar.gz with docs/qrels-*.jsonl, slack/NAME-slack-export.zip with slack/NAME-conversations.jsonl.gz and
memory/locomo*.json.gz. Each store is asked what its judgments answer, and what belongs to the other stores or is made
up. The floor that keeps 98 % of the answered questions of one half is printed beside the store's own; the figures are
of the other half.
"""

from __future__ import annotations

import asyncio
import math
import os
import sys
import tempfile
from pathlib import Path

from bench.answers.questions import read_material
from bench.answers.stores import Asked, ask_docs, ask_memory, ask_slack
from bench.report import Result, show, write

COMMAND = "make bench-answers"
MAX_LOST = 0.02
MAX_ANSWERED = 0.1


def floor_of(asked: list[Asked]) -> float:
    """The greatest floor that loses no more than MAX_LOST of the answerable questions that were answered."""
    fits = sorted(each.fit for each in asked if each.hit)
    return fits[math.floor(MAX_LOST * len(fits))] if fits else 0.0


def judged(store: str, floor: float, asked: list[Asked]) -> list[Result]:
    """What the floor of a store does to the half that it was not chosen on."""
    chosen = floor_of(asked[::2])
    rest = asked[1::2]
    good = [each for each in rest if each.hit]
    bad = [each for each in rest if each.hit is None]
    lost = sum(each.fit < floor for each in good) / (len(good) or 1)
    answered = sum(each.fit >= floor for each in bad) / (len(bad) or 1)
    note = f"floor {floor}; the other half asks for {chosen:.3f}"
    return [
        Result(id=f"answers.{store}.unanswerable_answered", value=answered, unit="share", better="lower",
               target=MAX_ANSWERED, command=COMMAND, note=f"{len(bad)} questions; {note}"),
        Result(id=f"answers.{store}.answerable_lost", value=lost, unit="share", better="lower", target=MAX_LOST,
               command=COMMAND, note=f"{len(good)} questions"),
    ]  # fmt: skip


async def measure(data: Path, folder: Path) -> list[Result]:
    """Ask the three stores."""
    material = read_material(data)
    results: list[Result] = []
    slack = await ask_slack(material)
    chat = [each.question for each in slack[1] if each.hit is not None]
    for store, (floor, asked) in (
        ("slack", slack),
        ("docs", await ask_docs(material, chat, folder)),
        ("memory", await ask_memory(material, folder)),
    ):
        results += judged(store, floor, asked)
    return results


def main() -> int:
    """Read DATA, measure, print and write the results."""
    data = os.environ.get("DATA", "")
    if not data or not Path(data).is_dir():
        print("bench.answers: DATA must name a folder of judged data; nothing was measured.", file=sys.stderr)
        return 0 if not data else 2
    with tempfile.TemporaryDirectory(prefix="bench-answers-") as folder:
        results = asyncio.run(measure(Path(data), Path(folder)))
    write("answers", results)
    show(results, "When nothing fits")
    return 0


if __name__ == "__main__":
    sys.exit(main())
