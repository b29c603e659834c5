"""Reads a query: its terms, how much each counts, and what else they are called."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from rookery_docs.search import weights
from rookery_docs.search.analysis import STOP_WORDS, symbols_of, terms_of_token, tokens
from rookery_docs.search.postings import term_hash

Known = Callable[[int], bool]
"""Whether a term, by its hash, occurs in what is searched."""


@dataclass(frozen=True, slots=True)
class Query:
    """weights: of each term. unknown: words as written that occur nowhere. wholes: identifiers that do occur."""

    text: str
    weights: dict[str, float]
    unknown: tuple[str, ...]
    wholes: tuple[str, ...]

    def hashed(self) -> list[tuple[int, float]]:
        """(hash, weight) of each term."""
        return [(term_hash(term), weight) for term, weight in self.weights.items()]


def parse(text: str, known: Known) -> Query:
    """The terms of a query. Words that every text has count only when there are no others; so do lone symbols."""
    written = list(tokens(text))
    telling = [token for token in written if token.lower() not in STOP_WORDS] or written
    found: dict[str, float] = {}
    unknown: list[str] = []
    wholes: list[str] = []
    for token in telling:
        terms = terms_of_token(token) if any(map(str.isalnum, token)) else ("=" + token,)
        occurring = [term for term in terms if known(term_hash(term))]
        whole = next((term for term in occurring if term.startswith("=")), None)
        if whole is not None:
            wholes.append(whole)
        if not occurring:
            unknown.append(token)
        for term in terms:
            part = whole is not None and not term.startswith("=")
            found[term] = found.get(term, 0.0) + (weights.PARTS_OF_KNOWN_IDENTIFIER if part else 1.0)
    if not found:
        found = dict.fromkeys(symbols_of(text), 1.0)
    return Query(text, found, tuple(unknown), tuple(wholes))
