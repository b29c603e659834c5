"""Is what a new fact replaces among the first candidates? Facts about people and things, told again in other words.

Without data the sets of `bench.memory.replacements`, one for each way of telling it. Other data: a JSON list of
{"facts": [text, ...], "new": text, "replaces": position of the one that is untrue now}.
"""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

from bench.memory.replacements import Replacement
from rookery_core.errors import InvalidInput
from rookery_core.identity import Caller
from rookery_memory.records import NewMemory
from rookery_memory.store import MemoryStore


def read(path: Path) -> list[Replacement]:
    """Replacements out of a file, plain or gzipped."""
    data = path.read_bytes()
    entries: Any = json.loads(gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data)
    try:
        return [
            Replacement([str(fact) for fact in one["facts"]], str(one["new"]), int(one["replaces"]))
            for one in entries
        ]
    except (KeyError, TypeError, ValueError) as error:
        raise InvalidInput(
            f"{path}: is no list of facts and what replaces them ({type(error).__name__}: {error}).",
            hint='Write [{"facts": ["…"], "new": "…", "replaces": 0}].',
        ) from None


async def hits(store: MemoryStore, team: str, replacements: list[Replacement]) -> tuple[float, float, int]:
    """How often, in percent, the replaced fact is first, and among the first three; and of how many.

    Candidates come from `remember` itself. The new fact is erased again, so that each is judged alone.
    """
    first = among_three = 0
    callers: dict[int, Caller] = {}
    for number, one in enumerate(replacements):
        caller = callers.get(id(one.facts))
        if caller is None:
            caller = Caller(team=f"{team}-{number}", user="reader", kind="member")
            callers[id(one.facts)] = caller
            await store.remember_many(caller, [NewMemory(content=fact) for fact in dict.fromkeys(one.facts)])
        answer = await store.remember(caller, NewMemory(content=one.new))
        found = [similar.memory.content for similar in answer.similar]
        first += found[:1] == [one.facts[one.replaces]]
        among_three += one.facts[one.replaces] in found[:3]
        await store.forget(caller, [answer.id], "judged")
    return 100 * first / len(replacements), 100 * among_three / len(replacements), len(replacements)
