"""What the same thing is also called, from the table beside this module."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

from rookery_docs.search.analysis import STOP_WORDS, terms_of_token, tokens

Phrase = tuple[str, ...]
"""A term for each token of a phrase; what is compared with a query."""


@dataclass(frozen=True, slots=True)
class Thesaurus:
    """For each phrase, the other phrases that mean it. longest: tokens of the longest phrase."""

    others: dict[Phrase, tuple[str, ...]]
    longest: int


def phrase_of(written: list[str]) -> Phrase:
    """The terms by which tokens are compared: word forms and case do not matter. An identifier is compared whole."""
    return tuple(_compared(token) for token in written)


def _compared(token: str) -> str:
    terms = terms_of_token(token)
    return next((term for term in terms if term.startswith("=")), terms[0] if terms else token)


@lru_cache(maxsize=1)
def thesaurus() -> Thesaurus:
    """The table, read once."""
    text = files("rookery_docs.search").joinpath("synonyms.txt").read_text(encoding="utf-8")
    return read(text)


def read(text: str) -> Thesaurus:
    """A table as synonyms.txt describes it. Raises ValueError for a line that is none."""
    others: dict[Phrase, list[str]] = {}
    for line in text.splitlines():
        line = line.partition("#")[0].strip()
        if not line:
            continue
        if ">" in line:
            asked, _, meant = line.partition(">")
            pairs = [(asked.strip(), [name.strip() for name in meant.split(",")])]
        elif "=" in line:
            names = [name.strip() for name in line.split("=")]
            pairs = [(name, [other for other in names if other != name]) for name in names]
        else:
            raise ValueError(f"synonyms: {line!r} has neither = nor >")
        for name, meanings in pairs:
            known = others.setdefault(phrase_of(telling(name)), [])
            known += [meaning for meaning in meanings if meaning not in known]
    longest = max((len(phrase) for phrase in others), default=0)
    return Thesaurus({phrase: tuple(names) for phrase, names in others.items()}, longest)


def telling(text: str) -> list[str]:
    """The tokens of a text without the words that every text has, unless there are no others."""
    written = list(tokens(text))
    return [token for token in written if token.lower() not in STOP_WORDS] or written
