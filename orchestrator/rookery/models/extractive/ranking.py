"""Which passages answer the question best, judged by their words and by the order in which servers gave them."""

from __future__ import annotations

import datetime
import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rookery.models.extractive.days import Day, Period, days_in
from rookery.models.extractive.words import content_words, stem, words
from rookery_core.mcp.sources import Passage

_K1, _B = 1.2, 0.6
_TITLE_WEIGHT = 1.5
_ORDER_WEIGHT = 0.8
_WINDOW = 40  # words
_OTHER_DAY = 0.6
"""What a passage of another day than the question names keeps of its score."""
_ONLY_ASKS = 0.5
"""What a passage that only asks keeps: it is close to the question and rarely holds the answer."""
_MENTION = re.compile(r"<@[A-Z0-9]+(?:\|[^>]*)?>")


@dataclass(frozen=True, slots=True)
class Ranked:
    """A passage, its score, and the share of the question's weight that its words cover (0 to 1)."""

    passage: Passage
    score: float
    coverage: float


def rank(question: str, found: Sequence[Passage], periods: Sequence[Period] = ()) -> list[Ranked]:
    """The passages, best first, each permalink once with its best passage. periods: those that the question names.

    The question itself, where it stands among what was found, is none of them.
    """
    asked = words(question)
    found = [one for one in found if words(_MENTION.sub(" ", one.text)) != asked]
    terms = list(dict.fromkeys(word for each in content_words(question) for word in words(each)))
    if not terms or not found:
        return []
    texts = [words(one.text) for one in found]
    scale = _Scale(_weights(terms, texts), sum(map(len, texts)) / len(texts) or 1.0, _best_scores(found))
    named = [*days_in(question), *periods]
    ranked = [_judged(one, text, scale, named) for one, text in zip(found, texts, strict=True)]
    best: dict[str, Ranked] = {}
    for one in sorted(ranked, key=lambda each: -each.score):
        best.setdefault(one.passage.permalink, one)
    return sorted(best.values(), key=lambda each: -each.score)


@dataclass(frozen=True, slots=True)
class _Scale:
    """What all passages are measured by."""

    weights: Mapping[str, float]
    average_length: float
    best_scores: Mapping[tuple[str, str], float]

    @property
    def total(self) -> float:
        return sum(self.weights.values())


def _weights(terms: Sequence[str], texts: Sequence[Sequence[str]]) -> dict[str, float]:
    """Rare words of what was found weigh more. All that was found holds some of the words, so the scale is mild.

    A word that no passage holds separates none from another; it weighs a little, as a sign that something is missing.
    """
    containing = Counter(word for text in texts for word in set(text))
    found = {
        term: math.log(1 + (len(texts) + 1) / (containing[term] + 0.5)) for term in terms if containing[term]
    }
    missing = 0.5 * sum(found.values()) / len(found) if found else 1.0
    return {term: found.get(term, missing) for term in terms}


def _best_scores(found: Sequence[Passage]) -> dict[tuple[str, str], float]:
    """The best score of each search: scores of different servers have different scales."""
    best: dict[tuple[str, str], float] = {}
    for one in found:
        if one.score is not None:
            key = (one.server, one.tool)
            best[key] = max(best.get(key, 0.0), one.score)
    return best


def _judged(passage: Passage, text: Sequence[str], scale: _Scale, named: Sequence[Day | Period]) -> Ranked:
    counts, title = Counter(text), set(words(passage.title))
    of_named_day = any(each.holds(passage.date) for each in named)
    if of_named_day:
        title |= _words_of(passage.date)
    norm = _K1 * (1 - _B + _B * len(text) / scale.average_length)
    lexical = sum(
        weight * counts[term] * (_K1 + 1) / (counts[term] + norm) for term, weight in scale.weights.items()
    )
    in_title = sum(weight for term, weight in scale.weights.items() if term in title)
    covered = (
        sum(weight for term, weight in scale.weights.items() if counts[term] or term in title) / scale.total
    )
    near = _covered_closely(text, title, scale)
    score = (
        lexical * (0.2 + near)
        + _TITLE_WEIGHT * in_title * near
        + _ORDER_WEIGHT * scale.total * _standing(passage, scale)
    )
    if not of_named_day and _is_of_another_day(passage, named):
        score *= _OTHER_DAY
    if only_asks(passage.text):
        score *= _ONLY_ASKS
    return Ranked(passage, score * (0.3 if len(text) < 3 else 1.0), covered)


def only_asks(text: str) -> bool:
    """Whether every sentence of a text is a question."""
    sentences = [piece.strip() for piece in _pieces(text)]
    return all(sentence.endswith(("?", "？")) for sentence in sentences if sentence)


def _is_of_another_day(passage: Passage, named: Sequence[Day | Period]) -> bool:
    """Of a passage that was said on none of the named days: whether it is not about one of them either."""
    if not named or not passage.date:
        return False
    told = {(day.month, day.day) for day in days_in(passage.text)}
    return not any((each.month, each.day) in told for each in named if isinstance(each, Day))


def _words_of(date: str) -> set[str]:
    """A date as a question may spell it."""
    day = datetime.date.fromisoformat(date)
    spelled = f"{date} {day.day} {day.day}th {day:%d %B} {day:%b %Y}"
    return set(words(spelled))


def _standing(passage: Passage, scale: _Scale) -> float:
    """How well the server itself thought of the passage, from 0 to 1."""
    best = scale.best_scores.get((passage.server, passage.tool), 0.0)
    if passage.score is not None and best > 0:
        return max(0.0, passage.score) / best
    return 1 / (1 + 0.5 * passage.rank)


def _covered_closely(text: Sequence[str], title: set[str], scale: _Scale) -> float:
    """The share of the question's weight that one stretch of the passage covers, its title counting half.

    Words that stand together answer more often than the same words scattered over a page.
    """
    places = [(index, word) for index, word in enumerate(text) if word in scale.weights]
    half = sum(weight for term, weight in scale.weights.items() if term in title) / 2
    best = half
    for start, (index, _) in enumerate(places):
        inside = {word for place, word in places[start:] if place < index + _WINDOW}
        value = sum(scale.weights[word] for word in inside)
        value += (
            sum(weight for term, weight in scale.weights.items() if term in title and term not in inside) / 2
        )
        best = max(best, value)
    return best / scale.total


def best_part(question: str, text: str, limit: int = 420) -> str:
    """The stretch of whole sentences (or lines) of `text` that answers best.

    The shortest one that holds the most of the question's words, with its paragraph from the beginning where that fits,
    and what follows it as far as there is room.
    """
    text = text.strip()
    if len(text) <= limit:
        return text
    pieces = _pieces(text)
    start, end = _densest(pieces, {stem(word.lower()) for word in content_words(question)}, limit)
    first = _paragraph_start(pieces, start)
    if sum(map(len, pieces[first:end])) <= limit:
        start = first
    while end < len(pieces) and sum(map(len, pieces[start : end + 1])) <= limit:
        end += 1
    part = "".join(pieces[start:end]).strip()
    part = part if len(part) <= limit else part[: part.rfind(" ", 0, limit)] + " …"
    return ("… " if start else "") + part + (" …" if end < len(pieces) and not part.endswith("…") else "")


def _paragraph_start(pieces: Sequence[str], start: int) -> int:
    """The first piece of the paragraph that a piece is in; an empty line ends a paragraph."""
    while start > 0 and pieces[start - 1].strip():
        start -= 1
    return start


def _densest(pieces: Sequence[str], wanted: set[str], limit: int) -> tuple[int, int]:
    """The pieces from start to before end with the most of the wanted words in the fewest characters."""
    held = [wanted & set(words(piece)) for piece in pieces]
    best, best_value = (0, 1), (0, 0)
    for start in range(len(pieces)):
        inside: set[str] = set()
        size = 0
        for end in range(start, len(pieces)):
            size += len(pieces[end])
            if size > limit and end > start:
                break
            inside |= held[end]
            if (value := (len(inside), -size)) > best_value:
                best, best_value = (start, end + 1), value
    return best


def _pieces(text: str) -> list[str]:
    """Sentences with the white space after them; a line break ends a sentence too."""
    pieces: list[str] = []
    start = 0
    for index, character in enumerate(text):
        ends = (
            character == "\n"
            or (character in ".!?" and text[index + 1 : index + 2].isspace())
            or character in "。！？"
        )
        if ends:
            pieces.append(text[start : index + 1])
            start = index + 1
    if start < len(text):
        pieces.append(text[start:])
    return pieces
