"""Turns text into the terms that are indexed and asked for. Index and query go through the same code."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from importlib import import_module
from typing import Any

from rookery_core.ranking.texts import fold

_WORD = r"[^\W_]+"
_TOKEN = re.compile(
    rf"(?P<word>[$@\\]?_*{_WORD}(?:(?:[_.\-/:$@'’]|::)+{_WORD})*_*(?:\+\+|\#)?)"
    r"|(?P<symbol>[-+*/<>=~!@#%^&|?:]{1,5}|\$|\[\])"
)
_PART = re.compile(r"[^\W_]+")
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_CJK = re.compile(r"[\u2e80-\u2fff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\u0e00-\u0eff\uf900-\ufaff]+")
_CONTRACTION = re.compile(r"['’](?:s|t|re|ve|ll|d|m)$")
LONGEST_TERM = 80
PAIR = " "
"""Stands between the two terms of a pair, and in no other term."""

STOP_WORDS = frozenset(
    [
        "a", "an", "and", "are", "as", "at", "be", "been", "but", "by", "can", "could", "did", "do",
        "does", "for", "from", "had", "has", "have", "how", "i", "if", "in", "into", "is", "it", "its",
        "may", "me", "my", "no", "not", "of", "on", "or", "our", "s", "should", "so", "some", "such", "t",
        "than", "that", "the", "their", "them", "then", "there", "these", "they", "this", "those", "to",
        "too", "us", "was", "we", "were", "what", "when", "where", "which", "who", "whom", "why", "will",
        "with", "would", "you", "your",
    ]
)  # fmt: skip


@lru_cache(maxsize=1)
def _stemmer() -> Any:
    return import_module("Stemmer").Stemmer("english")


@lru_cache(maxsize=200_000)
def stem(word: str) -> str:
    """The stem of a lower-case word; a word that is not plain letters stays as it is."""
    return _stemmer().stemWord(word) if word.isalpha() and word.isascii() and len(word) > 2 else word


@lru_cache(maxsize=200_000)
def terms_of_token(token: str) -> tuple[str, ...]:
    """The terms of one token: the whole of an identifier as it is written, and the stems of its parts."""
    token = fold(token)
    whole = _CONTRACTION.sub("", token.lower().strip("'’"))
    pieces = _PART.findall(token)
    found: list[str] = []
    for piece in pieces:
        found += _of_word(piece)
    compound = len(pieces) > 1 or whole != (pieces[0].lower() if pieces else "")
    if compound and len(pieces) <= 8 and len(whole) <= LONGEST_TERM:
        found.append("=" + whole.replace("-", "_"))
    return tuple(dict.fromkeys(found))


def _of_word(piece: str) -> list[str]:
    if not piece.isascii() and (runs := _CJK.findall(piece)):
        return [run[i : i + 2] for run in runs for i in range(max(1, len(run) - 1))] + [
            stem(rest.lower()) for rest in _CJK.split(piece) if rest
        ]
    lower = piece.lower()
    found = [stem(lower)[:LONGEST_TERM]]
    humps = _CAMEL.split(piece)
    if len(humps) > 1:
        found += [stem(hump.lower()) for hump in humps if len(hump) > 1]
    return found


def tokens(text: str) -> Iterator[str]:
    """The tokens of `text` as written: words, identifiers with their joints, operators of two signs or more."""
    for match in _TOKEN.finditer(text):
        symbol = match.group("symbol")
        if symbol is None:
            yield match.group("word")
        elif len(symbol) > 1 and symbol not in ("--", "---", "----", "...", "::", "=="):
            yield symbol


def terms_of_written(token: str) -> tuple[str, ...]:
    """The terms of a token: those of a word, or an operator as it is."""
    return terms_of_token(token) if token[0].isalnum() or any(map(str.isalnum, token)) else ("=" + token,)


def terms_of(text: str, *, stop_words: bool = False) -> list[str]:
    """The terms of `text` in order; words that every text has are left out unless `stop_words`."""
    found: list[str] = []
    for token in tokens(text):
        if stop_words or token.lower() not in STOP_WORDS:
            found += terms_of_written(token)
    return found


def terms_of_chunk(written: str) -> tuple[str, ...]:
    """Every term of what stands between two spaces. The same few thousand chunks make up most of every text."""
    return (
        _terms_of_chunk(written)
        if len(written) <= LONGEST_TERM
        else tuple(terms_of(written, stop_words=True))
    )


@lru_cache(maxsize=50_000)
def _terms_of_chunk(written: str) -> tuple[str, ...]:
    return tuple(terms_of(written, stop_words=True))


def pairs_of(text: str) -> list[str]:
    """Each two neighbouring words of a text, as a term: that they stand together says more than that both occur."""
    found: list[str] = []
    previous: str | None = None
    for token in tokens(text):
        if token.lower() in STOP_WORDS:
            continue
        terms = terms_of_token(token) if any(map(str.isalnum, token)) else ()
        if terms and previous is not None:
            found.append(previous + PAIR + terms[0])
        previous = terms[0] if terms else None
    return found


def symbols_of(text: str) -> list[str]:
    """Every operator in `text`, those of one sign too."""
    return ["=" + match.group("symbol") for match in _TOKEN.finditer(text) if match.group("symbol")]
