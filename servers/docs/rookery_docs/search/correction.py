"""Words that occur nowhere: the stored word most like each takes its place.

`make bench-docs` prints the figures behind the weights.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from rookery_docs.search.analysis import terms_of_token, tokens
from rookery_docs.search.postings import term_hash
from rookery_docs.search.query import Query, parse
from rookery_docs.store.reader import DocsReader

if TYPE_CHECKING:
    from rookery_core.database import Database
    from rookery_core.identity import Caller
    from rookery_docs.search.release_index import ReleaseIndex

_SHORTEST = 4
_LEAST_ALIKE = 0.4
_MOST_CORRECTED = 6


async def corrected_query(
    database: Database, caller: Caller, text: str, indexes: Sequence[ReleaseIndex], names: Sequence[str]
) -> tuple[Query, dict[str, str]]:
    """The query of a text, and which of its words were replaced by which. names: what the searched sources are called."""

    def frequency(term: int) -> int:
        return sum(index.passages.frequency(term) for index in indexes)

    query = parse(text, lambda term: frequency(term) > 0, names)
    wrong = [word.lower() for word in query.unknown if len(word) >= _SHORTEST][:_MOST_CORRECTED]
    if not wrong:
        return query, {}
    async with database.transaction(caller, readonly=True) as connection:
        similar = await DocsReader(connection, caller).similar_words(wrong)
    chosen: dict[str, str] = {}
    for word, candidates in similar.items():
        best = _best(word, candidates, frequency)
        if best is not None:
            chosen[word] = best
    if not chosen:
        return query, {}
    replaced = " ".join(chosen.get(part.lower(), part) for part in tokens(text))
    return parse(replaced, lambda term: frequency(term) > 0, names), chosen


def _best(word: str, candidates: list[tuple[str, float]], frequency: Callable[[int], int]) -> str | None:
    alike = [
        (likeness + (0.1 if candidate[0] == word[0] else 0.0), candidate)
        for candidate, likeness in candidates
        if likeness >= _LEAST_ALIKE and any(frequency(term_hash(term)) for term in terms_of_token(candidate))
    ]
    return max(alike)[1] if alike else None
