"""Asks each store, with its floor off, how well its best answer to a question fits."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from bench.answers.questions import Material, made_up, sample
from bench.docs.__main__ import Bench
from bench.slack.judgments import judgments, read_lines
from bench.slack.retrieval import held
from bench.slack.store import INGEST, READER, bench_store
from rookery_core.database import Database
from rookery_core.embedders import create_embedder
from rookery_core.identity import Caller
from rookery_core.ranking.fit import fit
from rookery_core.settings import CoreSettings
from rookery_docs.search import weights
from rookery_docs.search.engine import SearchEngine
from rookery_docs.store.reader import DocsReader
from rookery_ingest.slack.embedding import embed_backlog
from rookery_ingest.slack.export.choosing import Options
from rookery_ingest.slack.export.importer import import_export
from rookery_ingest.slack.statistics import refresh
from rookery_memory.records import NewMemory
from rookery_memory.store import MemoryStore
from rookery_memory.store import search as memory_search
from rookery_slack.search import ranking
from rookery_slack.search.filters import SearchFilter
from rookery_slackapi.timestamps import format_ts

ANSWERABLE = 300
UNANSWERABLE = 120
"""Of each kind; there are three kinds for each store."""
TOP = 10


@dataclass(frozen=True, slots=True)
class Asked:
    """A question, the fit of its answer, and whether the first ten results held what answers it (None: nothing can)."""

    question: str
    fit: float
    hit: bool | None


@contextmanager
def without_floor(module: ModuleType) -> Generator[None]:
    """The store answers everything."""
    floor: float = module.FLOOR
    module.FLOOR = 0.0  # pyright: ignore[reportAttributeAccessIssue] each module has one
    try:
        yield
    finally:
        module.FLOOR = floor  # pyright: ignore[reportAttributeAccessIssue]


async def ask_slack(material: Material) -> tuple[float, list[Asked]]:
    """Judged conversations, against questions about databases and other people's lives. Every export together."""
    others = [
        sample(material.manual_questions(), UNANSWERABLE),
        sample(material.personal_questions(), UNANSWERABLE),
    ]
    asked: list[Asked] = []
    async with bench_store() as bench:
        embedder = create_embedder(bench.settings)
        assert embedder is not None
        for export, _ in material.exports:
            await import_export(bench.ingest, INGEST, export, Options())
        await refresh(bench.ingest, INGEST)
        async for _ in embed_backlog(bench.ingest, INGEST, embedder):
            pass
        store = await held(bench)
        judged = [each for _, rows in material.exports for each in judgments(read_lines(rows), store)]
        questions = [(each.query, each) for each in sample(judged, ANSWERABLE)]
        questions += [(text, None) for text in [*others[0], *others[1], *made_up(UNANSWERABLE)]]
        with without_floor(ranking):
            for text, answer in questions:
                async with bench.store.session(READER) as session:
                    answered = await ranking.rank(session, text, SearchFilter(), "hybrid", embedder)
                places = [(channel, format_ts(ts)) for (channel, ts), _ in answered.messages]
                shown = [place for place in places if not answer or place not in answer.exclude][:TOP]
                hit = any(place in answer.relevant for place in shown) if answer else None
                asked.append(Asked(text, (answered.messages[0][1] or 0.0) if answered.messages else 0.0, hit))
    return ranking.FLOOR, asked


async def ask_docs(material: Material, chat: list[str], folder: Path) -> tuple[float, list[Asked]]:
    """Judged queries of each manual, against chat and other people's lives."""
    others = [
        *sample(chat, UNANSWERABLE),
        *sample(material.personal_questions(), UNANSWERABLE),
        *made_up(UNANSWERABLE),
    ]
    bench = Bench(CoreSettings(data_dir=folder / "docs"), folder)
    asked: list[Asked] = []
    for number, corpus in enumerate(material.corpora):
        await bench.fill(f"manual-{number}", corpus.version, corpus.scored, corpus.format)
        questions = [(row.query, row.pages) for row in sample(material.docs[corpus.name], ANSWERABLE)]
        async with await Database.open(bench.settings, "rookery_docs", "bench-answers") as database:
            async with database.transaction(bench.caller, readonly=True) as connection:
                releases = await DocsReader(connection, bench.caller).releases()
            release = next(each for each in releases if each.source == f"manual-{number}")
            engine = SearchEngine(create_embedder(bench.settings), None)
            with without_floor(weights):
                for text, pages in [*questions, *((text, None) for text in others)]:
                    answered = (await engine.rank(database, bench.caller, text, [release], most=TOP)).pages
                    hit = any(page.path in pages for page in answered) if pages else None
                    asked.append(Asked(text, answered[0].score if answered else 0.0, hit))
    return weights.FLOOR, asked


async def ask_memory(material: Material, folder: Path) -> tuple[float, list[Asked]]:
    """Questions about the facts of each conversation, against those about others, databases and made-up words."""
    settings = CoreSettings(data_dir=folder / "memory", embedder="wordllama")
    asked: list[Asked] = []
    async with await Database.open(
        settings, role="rookery_memory", application_name="bench-answers"
    ) as database:
        store = MemoryStore(database, create_embedder(settings))
        few = max(1, UNANSWERABLE // len(material.memory))
        for number, conversation in enumerate(material.memory):
            caller = Caller(team=f"answers-{number}", user="reader", kind="member")
            facts = [
                NewMemory(content=text, turns=turns) for text, turns in conversation.facts if text.strip()
            ]
            await store.remember_many(caller, facts)
            questions = [(row.text, row.evidence) for row in sample(conversation.questions, ANSWERABLE // 4)]
            others = sample(material.personal_questions(conversation), few, number)
            others += [*sample(material.manual_questions(), few, number), *made_up(few, number)]
            with without_floor(memory_search):
                for text, evidence in [*questions, *((text, None) for text in others)]:
                    found = await store.recall(caller, text, limit=TOP)
                    hit = any(evidence & set(each.memory.turns) for each in found) if evidence else None
                    best = max((fit(each.words, each.meaning) for each in found), default=0.0)
                    asked.append(Asked(text, best, hit))
        await store.close()
    return memory_search.FLOOR, asked
