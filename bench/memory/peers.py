"""What others do with the same turns and questions, in the same run: full-text search as it comes, and its hybrids."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.memory.conversations import Conversation
from rookery_core.database import Database
from rookery_core.embedders import create_embedder
from rookery_core.ranking.bm25 import bm25, containing, idf
from rookery_core.settings import CoreSettings
from rookery_memory.search.index_text import spelled_out, without_names

PeerRanking = NDArray[np.float64]
"""A score for each turn (column) for each question (row)."""

RRF_K = 60
BM25_PEER, TS_RANK, RRF, REFERENCE = (
    "stemmed BM25",
    "ts_rank_cd",
    "equal-weight RRF",
    "smoothed min-max hybrid",
)


async def peers_of(database: Database, conversation: Conversation) -> dict[str, PeerRanking]:
    """Every peer's scores for the questions of a conversation."""
    plain = [f"{turn.speaker}: {turn.text}" for turn in conversation.turns]
    dated = [f"{text} {spelled_out(turn.at)}" for text, turn in zip(plain, conversation.turns, strict=True)]
    questions = [question.text for question in conversation.questions]
    words = await _stemmed_bm25(database, plain, questions)
    ranks = await _ts_rank(database, plain, questions)
    meaning = _plain_vectors(plain, questions)
    return {
        BM25_PEER: words,
        TS_RANK: ranks,
        RRF: _reciprocal_ranks(words) + _reciprocal_ranks(meaning),
        REFERENCE: await _reference(database, conversation, dated, questions),
    }


async def _stemmed_bm25(database: Database, texts: list[str], questions: list[str]) -> PeerRanking:
    documents, asked = await _lexemes(database, texts), await _lexemes(database, questions)
    vocabulary = {word: at for at, word in enumerate(sorted({word for one in asked for word in one}))}
    frequencies = np.zeros((len(texts), len(vocabulary)))
    for row, document in enumerate(documents):
        for word, count in document.items():
            if word in vocabulary:
                frequencies[row, vocabulary[word]] = count
    lengths = np.array([sum(document.values()) for document in documents], dtype=np.float64)
    rarity = idf(len(texts), containing(frequencies))
    scores = np.zeros((len(questions), len(texts)))
    for row, question in enumerate(asked):
        chosen = [vocabulary[word] for word in question]
        if chosen:
            scores[row] = bm25(frequencies[:, chosen], lengths, rarity[chosen])
    return scores


async def _lexemes(database: Database, texts: list[str]) -> list[dict[str, int]]:
    async with database.acquire() as conn:
        rows = await conn.fetch(
            "select given.place, word.lexeme, cardinality(word.positions) from unnest($1::text[]) with ordinality as "
            "given(body, place), unnest(to_tsvector('english', given.body)) as word",
            texts,
        )
    found: list[dict[str, int]] = [{} for _ in texts]
    for row in rows:
        found[row[0] - 1][row[1]] = row[2]
    return found


async def _ts_rank(database: Database, texts: list[str], questions: list[str]) -> PeerRanking:
    async with database.acquire() as conn:
        rows = await conn.fetch(
            "with document as materialized (select place, to_tsvector('english', body) as words "
            "from unnest($1::text[]) with ordinality as given(body, place)), "
            "question as materialized (select place, replace(plainto_tsquery('english', body)::text, '&', '|')::tsquery "
            "as query from unnest($2::text[]) with ordinality as given(body, place)) "
            "select question.place, document.place, ts_rank_cd(document.words, question.query) "
            "from question join document on document.words @@ question.query",
            texts,
            questions,
        )
    scores = np.zeros((len(questions), len(texts)))
    for row in rows:
        scores[row[0] - 1, row[1] - 1] = row[2]
    return scores


def _plain_vectors(texts: list[str], questions: list[str]) -> PeerRanking:
    model = _wordllama()
    documents: Any = model.embed(texts, norm=True)
    asked: Any = model.embed(questions, norm=True)
    return np.asarray(asked @ documents.T, dtype=np.float64)


def _wordllama() -> Any:
    import logging

    root = logging.getLogger()
    level = root.level
    from wordllama import WordLlama  # pyright: ignore[reportMissingTypeStubs]

    root.setLevel(max(level, logging.WARNING))
    spec = find_spec("wordllama")
    assert spec is not None
    assert spec.submodule_search_locations is not None
    return WordLlama.load(cache_dir=Path(spec.submodule_search_locations[0]), disable_download=True)


def _reciprocal_ranks(scores: PeerRanking) -> PeerRanking:
    places = np.argsort(np.argsort(-scores, axis=1, kind="stable"), axis=1)
    return 1.0 / (RRF_K + 1 + places)


async def _reference(
    database: Database, conversation: Conversation, dated: list[str], questions: list[str]
) -> PeerRanking:
    """Dated BM25 smoothed over neighbours (0.6 before, 0.3 after), and vectors without names, half each."""
    words = await _stemmed_bm25(database, dated, questions)
    smoothed = words.copy()
    smoothed[:, 1:] += 0.6 * words[:, :-1]
    smoothed[:, :-1] += 0.3 * words[:, 1:]
    embedder = create_embedder(CoreSettings(embedder="wordllama"))
    assert embedder is not None
    names = conversation.speakers
    documents = await embedder.embed([without_names(turn.text, names) for turn in conversation.turns])
    asked = await embedder.embed([without_names(text, names) for text in questions], kind="query")
    return 0.5 * _unit(smoothed) + 0.5 * _unit(np.asarray(asked @ documents.T, dtype=np.float64))


def _unit(scores: PeerRanking) -> PeerRanking:
    low, high = scores.min(axis=1, keepdims=True), scores.max(axis=1, keepdims=True)
    return (scores - low) / np.where(high > low, high - low, 1.0)
