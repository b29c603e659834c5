"""How fast memory answers and takes in: 100,000 memories in a thousand scopes, and as many in one."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rookery_core.identity import Caller
from rookery_memory.records import NewMemory
from rookery_memory.store import MemoryStore

BATCH = 1000
SEED = 20_260
WORDS = """
account agenda alert answer archive backlog backup badge balance banner batch billing blocker board branch bridge budget
bug build button cable cache calendar camera campaign canary candidate card catalogue cell change channel chart checklist
client cluster code column comment commit contract copy counter coupon course crash cursor customer dashboard data deadline
decision delay delivery demo deploy design desk detail device diagram discount disk docs domain draft driver editor email
engine error estimate event example export failure feature feedback field file filter finance flag floor folder font form
forecast friday function garden gateway goal graph group guide handbook harbour header health hire history hook host idea
image import incident index inbox input insight install interview invoice issue item job journal kernel keyboard kitchen
label lamp latency launch layout leader lease legal letter library licence limit link list locale lock log loop machine
mail manager manual map march margin market meeting member memory menu merge message meter metric migration milestone mirror
mobile model module monday monitor month mountain network newsletter node note notice number office offer option order
owner package page panel parcel parser partner password patch path payment people percent permission person phone photo
pipeline plan platform player pocket policy pool port portal position post price printer priority problem process product
profile project prompt proposal proxy pull quality quarter query queue question quota range rate reason receipt record
refund region release reminder replica report request review reward risk road role room root route rule salary sample scan
schedule schema scope screen script search season secret section seed server session setting shard share shelf shift ship
shop signal site size sketch slide snapshot socket source space speaker sprint stack staff stage standup station status
step stock storage store story stream street string style summary support survey switch system table tag target task team
template tenant terminal test theme thread ticket timeline title token tool topic tour traffic training travel tree trial
trigger tunnel update upgrade upload user vacation value vendor version video view visitor volume vote warehouse warning
water website week weight widget window winter workflow workshop writer year zone
"""


NAMES = [
    first + last
    for first in ("Ka", "Mo", "Re", "Ti", "Lu", "Sa")
    for last in ("ra", "lin", "vik", "dor", "mi")
]


@dataclass(frozen=True, slots=True)
class Loaded:
    """How loading went: memories stored with their vectors, in how many seconds."""

    memories: int
    seconds: float

    @property
    def rate(self) -> float:
        return self.memories / self.seconds


class Sentences:
    """Sentences as people write them: some words in many, most words in few. The same in every run."""

    def __init__(self, seed: int = SEED) -> None:
        self._random = random.Random(seed)
        self._words = WORDS.split()
        self._odds = [1 / (rank + 3) ** 0.8 for rank in range(len(self._words))]

    def sentence(self, number: int) -> str:
        """One of 12 to 26 words; the number makes it unlike any other."""
        chosen = self._random.choices(self._words, self._odds, k=self._random.randint(8, 18))
        rare = [self._random.choice(self._words) + self._random.choice(self._words) for _ in range(3)]
        words = [*chosen, *rare]
        self._random.shuffle(words)
        return f"{self._random.choice(NAMES)} says the {' '.join(words)} has number {number}."

    def question(self, sentence: str) -> str:
        """A question about what a sentence says, in two to five of its words."""
        words = sentence.split()[3:-3]
        asked = self._random.sample(words, min(len(words), self._random.randint(2, 5)))
        return f"What did {sentence.split()[0]} say about the {' '.join(asked)}?"


async def load_many_scopes(
    store: MemoryStore, team: str, scopes: int, each: int, *, at_once: int = 1
) -> Loaded:
    """The same number of memories for each of many people, so many of whom write at the same time."""
    sentences, people = Sentences(), iter(range(scopes))

    async def write() -> None:
        for number in people:
            news = [NewMemory(content=sentences.sentence(number * each + at)) for at in range(each)]
            await store.remember_many(person(team, number), news)

    started = time.perf_counter()
    await asyncio.gather(*(write() for _ in range(at_once)))
    return Loaded(scopes * each, time.perf_counter() - started)


async def load_one_scope(store: MemoryStore, caller: Caller, memories: int) -> Loaded:
    """Many memories of one person."""
    sentences, started = Sentences(SEED + 1), time.perf_counter()
    for start in range(0, memories, BATCH):
        news = [
            NewMemory(content=sentences.sentence(start + at)) for at in range(min(BATCH, memories - start))
        ]
        await store.remember_many(caller, news)
    return Loaded(memories, time.perf_counter() - started)


async def recall_times(store: MemoryStore, callers: Sequence[Caller], queries: int) -> list[float]:
    """Seconds of each recall, for callers in turn, each about something of theirs; the first tenth is not counted."""
    sentences = Sentences(SEED + 2)
    stored = [await store.list_memories(caller, limit=100) for caller in callers]
    times: list[float] = []
    for number in range(queries + queries // 10):
        own = stored[number % len(callers)]
        question = sentences.question(own[number % len(own)].content)
        started = time.perf_counter()
        found = await store.recall(callers[number % len(callers)], question, limit=10)
        times.append(time.perf_counter() - started)
        assert found, question
    return times[queries // 10 :]


def person(team: str, number: int) -> Caller:
    """The caller of a numbered scope."""
    return Caller(team=team, user=f"U{number:04}", kind="member")


def percentile(times: Sequence[float], share: float) -> float:
    """Milliseconds that so large a share of the times stays within."""
    return float(np.quantile(np.array(times), share)) * 1000
