"""A query as people and models write it, made into what the SQL of a search needs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rookery_core import sql
from rookery_core.ranking.texts import searchable

if TYPE_CHECKING:
    from rookery_core.database.connection import Connection

CANDIDATE_POOL = 2000


@dataclass(frozen=True, slots=True)
class PreparedQuery:
    """Parameters for a statement that ranks with `search.bm25(document, terms, weights, average_length)`.

    terms: a tsquery each, in its text form. weights: their inverse document frequencies. any_term: matches every
    document that has any of them. candidates: the same for the rarest terms only, so that no more than the pool
    match: what to put behind `@@` in a large collection. phrases: what stood between double quotes, or None.
    """

    terms: list[str]
    weights: list[float]
    average_length: float
    any_term: str
    candidates: str
    phrases: str | None


async def prepare_query(
    conn: Connection, team: str, collection: str, text: str, *, pool: int = CANDIDATE_POOL
) -> PreparedQuery | None:
    """Prepare any text, weighted by the statistics of the collection; None when it holds nothing to look for.

    Never fails: only its first 10,000 characters and 64 lexemes count.
    """
    statement = sql.load("rookery_core.ranking", "ranking.sql")["prepare_query"]
    row = await conn.fetchrow(statement, team, collection, searchable(text), pool)
    return None if row is None else PreparedQuery(**dict(row.items()))
