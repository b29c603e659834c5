"""Reads a query: its terms, how much each counts, and what else they are called."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from rookery_docs.search import weights
from rookery_docs.search.analysis import pairs_of, symbols_of, terms_of_written
from rookery_docs.search.postings import term_hash
from rookery_docs.search.synonyms import Thesaurus, phrase_of, telling, thesaurus

Known = Callable[[int], bool]
"""Whether a term, by its hash, occurs in what is searched."""
Terms = dict[str, float]
"""Terms and how much each counts."""

_WEAK = frozenset(
    [
        "find", "get", "getting", "make", "making", "use", "using", "used", "want", "need", "way", "best",
        "show", "tell", "explain", "work", "works", "working", "mean", "means", "please", "help", "try",
        "possible", "properly", "actually", "correctly", "really", "just", "also", "like", "about", "does",
        "know", "understand",
    ]
)  # fmt: skip
"""Words of a question rather than of its subject."""

_MESSAGE = re.compile(r"(?i)\b(?:error|fatal|panic|warning|notice|detail|hint|exception)\s*:")
_QUOTED = re.compile(r'"([^"\n]{1,80})"')


@dataclass(frozen=True, slots=True)
class Concept:
    """Something asked for: by the query's own words, or by one of the other ways to say it."""

    own: Terms
    others: tuple[Terms, ...]


@dataclass(frozen=True, slots=True)
class Query:
    """concepts: what is asked for. unknown: words as written that occur nowhere."""

    text: str
    concepts: tuple[Concept, ...]
    unknown: tuple[str, ...]

    @property
    def terms(self) -> Terms:
        """The query's own terms."""
        return _together(concept.own for concept in self.concepts)

    @property
    def all_terms(self) -> Terms:
        """Own terms and those of other ways to say it, for showing why a passage was found."""
        others = (other for concept in self.concepts for other in concept.others)
        return _together(others) | self.terms


def parse(text: str, known: Known, names: Sequence[str] = (), table: Thesaurus | None = None) -> Query:
    """The query of a text. Words that every text has count only when there are no others; so do lone symbols.

    names: what the searched sources are called, which says little about what in them is sought.
    """
    table = thesaurus() if table is None else table
    written = telling(text)
    if not written:
        return Query(text, (Concept(dict.fromkeys(symbols_of(text), 1.0), ()),), ())
    message = _MESSAGE.search(text) is not None
    if message:
        written = _without_own_names(text, written, known)
    quiet = {name.lower() for name in names} | _WEAK
    loud = [token for token in written if token.lower() not in quiet]
    concepts: list[Concept] = []
    unknown: list[str] = []
    at = 0
    while at < len(written):
        length, meanings = _longest(written, at, table)
        own: Terms = {}
        for token in written[at : at + length]:
            weight = weights.WEAK_WORD if loud and token.lower() in quiet else 1.0
            terms, occurs = _terms(token, weight, known)
            if not occurs:
                unknown.append(token)
            _add(own, terms)
        concepts.append(Concept(own, tuple(_meaning(name, known) for name in meanings)))
        at += length
    if pairs := pairs_of(text):
        weight = weights.PAIR_OF_MESSAGE if message else weights.PAIR
        concepts.append(Concept(dict.fromkeys(pairs, weight), ()))
    return Query(text, tuple(concepts), tuple(unknown))


def _without_own_names(text: str, written: list[str], known: Known) -> list[str]:
    """The tokens of a message without the names in quotes that occur nowhere: they are the asker's, and their parts would
    be found in many places."""
    quoted = {token for name in _QUOTED.findall(text) for token in telling(name)}

    def is_own(token: str) -> bool:
        wholes = [term for term in terms_of_written(token) if term.startswith("=")]
        return token in quoted and bool(wholes) and not any(known(term_hash(whole)) for whole in wholes)

    return [token for token in written if not is_own(token)] or written


def _longest(written: list[str], at: int, table: Thesaurus) -> tuple[int, tuple[str, ...]]:
    """The longest phrase of the table that stands at a place: its tokens, and its other names."""
    phrase = phrase_of(written[at : at + table.longest])
    for length in range(len(phrase), 0, -1):
        if meanings := table.others.get(phrase[:length]):
            return length, meanings
    return 1, ()


def _meaning(name: str, known: Known) -> Terms:
    found: Terms = {}
    for token in telling(name):
        terms, _ = _terms(token, weights.SYNONYM, known)
        _add(found, terms)
    return found


def _terms(token: str, weight: float, known: Known) -> tuple[Terms, bool]:
    """The terms of a token, and whether any occurs. Of an identifier that occurs as a whole, the parts say less."""
    terms = terms_of_written(token)
    occurring = [term for term in terms if known(term_hash(term))]
    whole = any(term.startswith("=") for term in occurring)
    part = weights.PARTS_OF_KNOWN_IDENTIFIER * weight if whole else weight
    return {term: weight if term.startswith("=") else part for term in terms}, bool(occurring)


def _together(parts: Iterable[Terms]) -> Terms:
    total: Terms = {}
    for part in parts:
        _add(total, part)
    return total


def _add(total: Terms, terms: Terms) -> None:
    for term, weight in terms.items():
        total[term] = total.get(term, 0.0) + weight
