"""What a new memory may make untrue.

The value is what changes, so it tells little, and other subjects may well have that very value. What stays is whom or
what the sentence is about. Candidates are ranked by words and meaning as in any search, and those about the same
subject come before others, the more so the rarer the subject is. There is no threshold: the caller judges the first.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from uuid import UUID

from rookery_core.embedders.pooling import FUNCTION_WORDS
from rookery_core.ranking import fuse, semantic_weight
from rookery_memory.records import Filters, Scored
from rookery_memory.store import search
from rookery_memory.store.context import SQL, StoreContext

if TYPE_CHECKING:
    from rookery_core.database import Connection
    from rookery_memory.store.search import Key, Vector

SIMILAR = 3
SAME_SUBJECT = 0.8
JUDGED = 50
_WORD = re.compile(r"\w+")
_ADVERBS = (
    "since today yesterday tomorrow now currently recently lately previously formerly nowadays instead also"
)
_NO_SUBJECTS = FUNCTION_WORDS | frozenset(_ADVERBS.split())


async def may_replace(
    conn: Connection, context: StoreContext, scope: str, content: str, vector: Vector | None, but: set[UUID]
) -> list[Scored]:
    """The memories of a scope that a new content may contradict, the likeliest first."""
    hits = await search.find_hits(conn, context, content, vector, [scope], Filters())
    size = await conn.fetchval(SQL["count_searched"], [scope], search.COUNTED_SIZE + 1)
    same = await _about_the_same(conn, scope, content, size)
    fused = fuse(hits.words, hits.meaning, semantic_weight(context.embedder))
    ranked = sorted(((key, score + same.get(key, 0.0)) for key, score in fused), key=lambda one: -one[1])
    kept = [(key, score) for key, score in ranked[:JUDGED] if key[0] not in but][:SIMILAR]
    memories = await search.fetch_versions(conn, [key for key, _ in kept])
    return [
        Scored(
            memories[key],
            score / (1 + SAME_SUBJECT),
            hits.coverage.get(key, 0.0),
            hits.meaning.get(key, 0.0),
        )
        for key, score in kept
        if key in memories
    ]


def subject(content: str) -> str | None:
    """The word that tells what a sentence is about: its first name, or else its first word that means something."""
    words = [word for word in _WORD.findall(content) if word.casefold() not in _NO_SUBJECTS]
    names = [word for word in words if word[0].isupper()]
    return next(iter([*names, *words]), None)


async def _about_the_same(conn: Connection, scope: str, content: str, size: int) -> dict[Key, float]:
    """What sharing the subject adds: for one that few memories have nearly SAME_SUBJECT, for one of all nothing."""
    word = subject(content)
    terms = await search.query_terms(conn, word or "")
    if not terms.terms:
        return {}
    filters = Filters().as_row()
    rows = await conn.fetch(SQL["lexical_hits"], [scope], terms.terms, terms.any, filters, search.POOL)
    rarity = max(1 - len(rows) / max(size, 1), 0.0)
    return {(row[0], row[1]): SAME_SUBJECT * rarity for row in rows}
