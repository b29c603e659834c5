"""Evidence recall of conversation memory, through the store, beside its peers and with held-out settings."""

from __future__ import annotations

import itertools
import statistics
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from bench.memory.conversations import Conversation, Question
from bench.memory.peers import PeerRanking, peers_of
from rookery_core.identity import Caller
from rookery_memory.records import NewMemory, NewTurn
from rookery_memory.search.conversation_ranking import USUAL, Mixture, rank_turns
from rookery_memory.store import MemoryStore
from rookery_memory.store.conversation_search import Gathered, gather

DEEPEST = 200
KS = (5, 10, 20)
GRID = [
    Mixture(answered=answered, previous=previous, sitting=sitting, semantic=semantic)
    for answered, previous, sitting, semantic in itertools.product(
        (0.6, 0.8, 1.0), (0.2, 0.3, 0.6), (0.0, 0.25, 0.5), (0.3, 0.4, 0.5)
    )
]


@dataclass(slots=True)
class Scores:
    """Recall at each depth and reciprocal rank, one value a question, by category; and means by conversation."""

    values: dict[str, dict[str, list[float]]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(list))
    )

    def add(self, question: Question, ranked: Sequence[str]) -> None:
        """Judge a ranking of turn ids."""
        for category in ("all", question.category):
            for depth in KS:
                found = question.evidence.intersection(ranked[:depth])
                self.values[category][f"R@{depth}"].append(len(found) / len(question.evidence))
            ranks = [place for place, one in enumerate(ranked, start=1) if one in question.evidence]
            self.values[category]["MRR"].append(1 / ranks[0] if ranks else 0.0)

    def mean(self, measure: str, category: str = "all") -> float:
        """The mean in percent."""
        return 100 * statistics.fmean(self.values[category][measure])

    @property
    def categories(self) -> list[str]:
        return [name for name in self.values if name != "all"]


@dataclass(slots=True)
class Retrieval:
    """What was measured: ours (by conversation too), ours with settings chosen on the others, and the peers."""

    ours: Scores = field(default_factory=Scores)
    by_conversation: dict[str, Scores] = field(default_factory=dict[str, Scores])
    held_out: Scores = field(default_factory=Scores)
    peers: dict[str, Scores] = field(default_factory=dict[str, Scores])


async def measure(
    store: MemoryStore, conversations: Sequence[Conversation], *, team: str, facts: bool, peers: bool
) -> Retrieval:
    """Store each conversation, ask its questions, judge the turns that come back."""
    result = Retrieval()
    folds: list[list[tuple[Question, Gathered]]] = []
    for number, conversation in enumerate(conversations):
        caller = Caller(team=f"{team}-{number}", user="reader", kind="member")
        await fill(store, caller, conversation, facts=facts)
        own = result.by_conversation.setdefault(conversation.name, Scores())
        gathered: list[tuple[Question, Gathered]] = []
        for question in conversation.questions:
            found = await store.recall_conversation(
                caller, question.text, conversation=conversation.name, limit=DEEPEST
            )
            ranked = [one.turn.id for one in found]
            result.ours.add(question, ranked)
            own.add(question, ranked)
            gathered.append((question, await _signals(store, caller, conversation, question)))
        folds.append(gathered)
        if peers:
            await _judge_peers(store, conversation, result.peers)
    _judge_held_out(conversations, folds, result.held_out)
    return result


async def fill(store: MemoryStore, caller: Caller, conversation: Conversation, *, facts: bool) -> None:
    """Store the turns of a conversation, and what was drawn from them."""
    turns = [
        NewTurn(speaker=one.speaker, content=one.text, id=one.id, said_at=one.at, session=one.session)
        for one in conversation.turns
    ]
    await store.add_turns(caller, conversation.name, turns)
    if facts:
        news = [
            NewMemory(content=text, conversation=conversation.name, turns=sources)
            for text, sources in conversation.facts
            if text.strip()
        ]
        await store.remember_many(caller, news)


async def _signals(
    store: MemoryStore, caller: Caller, conversation: Conversation, question: Question
) -> Gathered:
    async with store.context.database.transaction(caller, readonly=True) as conn:
        gathered = await gather(conn, store.context, question.text, None, conversation.name)
    assert gathered is not None
    return gathered


async def _judge_peers(store: MemoryStore, conversation: Conversation, scores: dict[str, Scores]) -> None:
    rankings: Mapping[str, PeerRanking] = await peers_of(store.context.database, conversation)
    ids = [turn.id for turn in conversation.turns]
    for name, ranking in rankings.items():
        own = scores.setdefault(name, Scores())
        for question, row in zip(conversation.questions, ranking, strict=True):
            order: list[int] = np.argsort(-row, kind="stable")[:DEEPEST].tolist()
            own.add(question, [ids[at] for at in order])


def _judge_held_out(
    conversations: Sequence[Conversation],
    folds: Sequence[Sequence[tuple[Question, Gathered]]],
    scores: Scores,
) -> None:
    """Judge each conversation with the settings that did best on all others."""
    if len(folds) < 2:
        return
    table = np.array(
        [
            [_recall(fold, conversation, mixture) for mixture in GRID]
            for fold, conversation in zip(folds, conversations, strict=True)
        ]
    )
    for number, (fold, conversation) in enumerate(zip(folds, conversations, strict=True)):
        best = GRID[int(np.argmax(table.sum(axis=0) - table[number]))]
        for question, gathered in fold:
            scores.add(question, _ranked(gathered, conversation, best))


def _recall(fold: Sequence[tuple[Question, Gathered]], conversation: Conversation, mixture: Mixture) -> float:
    """The sum of recall@10 and reciprocal rank over a conversation's questions."""
    own = Scores()
    for question, gathered in fold:
        own.add(question, _ranked(gathered, conversation, mixture))
    return sum(own.values["all"]["R@10"]) + sum(own.values["all"]["MRR"])


def _ranked(gathered: Gathered, conversation: Conversation, mixture: Mixture = USUAL) -> list[str]:
    scores: NDArray[np.float64] = rank_turns(
        gathered.signals, gathered.term_weights, gathered.semantic_weight, gathered.fact_scores, mixture
    )
    order: list[int] = np.argsort(-scores, kind="stable")[:DEEPEST].tolist()
    return [conversation.turns[gathered.keys[at][2]].id for at in order]
