"""Answerable and unanswerable questions for each store, from a folder of judged data and made-up words."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from bench.docs.derived import derived
from bench.docs.judgments import Corpus, read_corpora, read_judgments
from bench.docs.judgments import Judged as JudgedPages
from bench.memory import conversations
from bench.memory.conversations import Conversation

T = TypeVar("T")
SEED = 7
SYLLABLES = [
    "qu",
    "zz",
    "wub",
    "xar",
    "plo",
    "nif",
    "gru",
    "vex",
    "oph",
    "tiz",
    "kwa",
    "bli",
    "mog",
    "yat",
    "fnu",
]
FAR_QUESTIONS = (
    "Who won the World Cup in {}?", "How tall is the volcano of {}?", "What did the emperor {} eat for breakfast?",
    "Which wine goes with roast {}?", "Where does the river {} rise?", "When was the cathedral of {} consecrated?",
    "How many moons does {} have?", "Who painted the portrait of {}?",
)  # fmt: skip
EVERYDAY_KINDS = ("derived_how_do_i", "derived_how_to_title", "derived_index_compound")
"""Kinds whose queries may be answered by a chat of programmers as well ("How do I define a view?")."""


@dataclass(frozen=True, slots=True)
class Material:
    """The judged data of a folder. docs: judged queries by corpus. exports: with the judgments of each."""

    corpora: list[Corpus]
    docs: dict[str, list[JudgedPages]]
    memory: list[Conversation]
    exports: list[tuple[Path, Path]]

    def manual_questions(self) -> list[str]:
        """Questions about the inside of a database."""
        rows = [row for judged in self.docs.values() for row in judged if row.kind not in EVERYDAY_KINDS]
        return sorted({row.query for row in rows if len(row.query.split()) > 2})

    def personal_questions(self, apart_from: Conversation | None = None) -> list[str]:
        """Questions about what two people told each other: none of whom takes part in the conversation given."""
        speakers = set(apart_from.speakers) if apart_from else set[str]()
        return [
            question.text
            for conversation in self.memory
            if not speakers & set(conversation.speakers)
            for question in conversation.questions
        ]


def read_material(folder: Path) -> Material:
    """Read docs/*.tar.gz with docs/qrels-*.jsonl, memory/locomo*, slack/NAME-slack-export.zip with
    slack/NAME-conversations.jsonl.gz. Of a manual in several versions the newest is enough."""
    corpora = [corpus for path in sorted((folder / "docs").glob("*.tar.gz")) for corpus in read_corpora(path)]
    newest = max((int(corpus.version) for corpus in corpora if corpus.version.isdigit()), default=0)
    judged = read_judgments(sorted((folder / "docs").glob("qrels-*.jsonl")), corpora)
    corpora = [corpus for corpus in corpora if corpus.version in (str(newest), "latest")]
    docs = {corpus.name: [*judged.get(corpus.name, []), *derived(corpus)] for corpus in corpora}
    memory = [
        each
        for path in sorted((folder / "memory").glob("locomo*.json*"))
        for each in conversations.read(path)
    ]
    exports = [
        (path, rows)
        for path in sorted((folder / "slack").glob("*-slack-export.zip"))
        if (rows := path.with_name(path.name.replace("slack-export.zip", "conversations.jsonl.gz"))).exists()
    ]
    return Material(corpora, docs, memory, exports)


def made_up(count: int, seed: int = SEED) -> list[str]:
    """Words that no language has, bare and in plain questions."""
    chance = random.Random(seed)
    words = ["".join(chance.choices(SYLLABLES, k=chance.randint(2, 4))) for _ in range(2 * count)]
    bare = [" ".join(words[2 * at : 2 * at + 1 + at % 2]) for at in range(count // 2)]
    return bare + [
        chance.choice(FAR_QUESTIONS).format(words[-at].title()) for at in range(1, count - len(bare) + 1)
    ]


def sample(rows: Sequence[T], count: int, seed: int = SEED) -> list[T]:
    """Some of the rows, the same for the same seed."""
    return random.Random(seed).sample(list(rows), min(count, len(rows)))
