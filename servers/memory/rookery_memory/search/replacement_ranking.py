"""How memories are ranked by whether a new one makes them untrue, given what the database found out about each.

The value is what changes, so it tells little, and others may well have that very value. What stays is the subject: whom
or what the sentence is about. Three things tell which memory it is:

* It shares the subject. Quite different things are said of a subject; memories that share a value or a verb all say the
  same kind of thing. So the subject is the rare word whose memories have the fewest other words in common: a name
  sooner than a word that is written small, and never a number.
* It shares words besides, or means something like it: by vectors from which what all memories of the subject have in
  common, its name above all, is taken away, and word by word, where what it says has a counterpart (`counterparts`).
* It speaks as others do who have the new value: who else has moved to Oslo *lives* there, so what is replaced is where
  somebody lives.

`python -m bench.memory --only conflicts` prints the figures behind the weights.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING

from rookery_core.embedders.pooling import FUNCTION_WORDS
from rookery_core.ranking.bm25 import bm25, idf
from rookery_memory.search.counterparts import is_form_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Booleans = NDArray[np.bool_]

SAME_SUBJECT = 0.8
AS_OTHERS = 0.5
WORD_BY_WORD = 0.7
"""Of the meaning: how much counterparts count against vectors of whole sentences, of which a model that tells words apart
makes little."""
UNKNOWN_DIVERSITY = 0.5
"""Of a word that only one memory has: whether it is a subject cannot be told."""
NO_NAME = 0.5
"""How much less likely a subject is a word that is written small."""
NEARLY_ALL = 0.9
_WORD = re.compile(r"\w+")
_WITHOUT_SPACES = re.compile(r"[\u2e80-\u9fff\uac00-\ud7ff\u0e00-\u0eff]")


@dataclass(frozen=True, slots=True)
class Shared:
    """Memories that share terms with the new one, a row each.

    frequencies: a column for each term of the new memory. words: what each says besides names (`words_of`).
    vectors: a row of NaN where there is none.
    """

    frequencies: Floats
    lengths: Floats
    words: Sequence[frozenset[str]]
    vectors: Floats


def words_of(text: str) -> frozenset[str]:
    """The words that tell what kind of thing is said: no names, which begin with a capital, and no function words."""
    found: set[str] = set()
    for word in _WORD.findall(text):
        if _WITHOUT_SPACES.search(word):
            found.update(word[at : at + 2] for at in range(max(len(word) - 1, 1)))
        elif not word[0].isupper() and len(word) > 1 and word not in FUNCTION_WORDS:
            found.add(word)
    return frozenset(found)


def subject_terms(
    frequencies: Floats, words: Sequence[frozenset[str]], lexemes: Sequence[str], counts: Floats, size: float
) -> Booleans:
    """Which of the terms the new memory is about; none when no memory shares a telling one.

    frequencies, words: of some memories for each term. counts: how many of all `size` memories have the term.
    """
    import numpy as np

    having = [[words[row] for row in rows_where(column > 0)] for column in frequencies.T]
    diversity = np.array([_diversity(own, lexeme) for own, lexeme in zip(having, lexemes, strict=True)])
    named = np.array(
        [_is_name(own, lexeme) for own, lexeme in zip(having, lexemes, strict=True)], dtype=np.bool_
    )
    of_all = named & (counts >= NEARLY_ALL * size)
    if of_all.any():
        return of_all
    number = np.array([lexeme.lstrip("-")[:1].isdigit() for lexeme in lexemes], dtype=np.bool_)
    telling = (counts > 0) & (counts < size) & ~number
    about = np.where(telling, idf(size, counts) * diversity**2 * np.where(named, 1.0, NO_NAME), 0.0)
    best = about.max(initial=0.0)
    return (about >= 0.999 * best) & (about > 0)


def of_subject(frequencies: Floats, subject: Booleans) -> Booleans:
    """Which memories have a term of the subject."""
    import numpy as np

    return np.any(frequencies[:, subject] > 0, axis=1)


def rank_replaced(
    shared: Shared,
    lexemes: Sequence[str],
    term_weights: Floats,
    subject: Booleans,
    vector: Floats | None,
    semantic_weight: float,
    counterparts: Floats | None = None,
) -> Floats:
    """A score for each memory, 0 to 1. term_weights: how much each term says. vector: of the new memory.

    counterparts: how much of each memory of the subject, or of all when none is, has one in the new one; None where no
    model tells.
    """
    import numpy as np

    count = len(shared.lengths)
    if not count:
        return np.zeros(0)
    member = of_subject(shared.frequencies, subject)
    words = bm25(shared.frequencies[:, ~subject], shared.lengths, term_weights[~subject])
    if words.any():
        words /= words.max()
    words = words + AS_OTHERS * _as_others(shared, lexemes, subject, member)
    semantic = semantic_weight if vector is not None else 0.0
    score = (1 - semantic) * words + SAME_SUBJECT * member
    if vector is not None:
        score += semantic * _meaning(shared.vectors, vector, member, counterparts)
    return score / (1 + AS_OTHERS + SAME_SUBJECT)


def _is_name(memories: Sequence[frozenset[str]], lexeme: str) -> bool:
    """Whether a term is written as names are: `words_of` the memories that have it leave it out."""
    small = sum(any(is_form_of(word, lexeme) for word in words) for words in memories)
    return 2 * small < len(memories)


def _diversity(memories: Sequence[frozenset[str]], but: str) -> float:
    """How different the things are that memories say besides the term they share: 0 all the same, 1 nothing alike."""
    return _diversity_of(_shares(memories, but), memories)


def _diversity_of(shares: Counter[str], memories: Sequence[frozenset[str]]) -> float:
    count, occurrences = len(memories), shares.total()
    if not count:
        return 0.0
    if count < 2 or not occurrences:
        return UNKNOWN_DIVERSITY / count
    alike = sum(share * (share - 1) for share in shares.values()) / (occurrences * (count - 1))
    silent = sum(1 for words in memories if not words) / count
    known = (1 - alike) * (1 - silent)
    return ((count - 1) * known + UNKNOWN_DIVERSITY) / count


def _shares(memories: Sequence[frozenset[str]], but: str) -> Counter[str]:
    """In how many of the memories each word is, but for forms of a term."""
    shares = Counter(chain.from_iterable(memories))
    for word in [word for word in shares if is_form_of(word, but)]:
        del shares[word]
    return shares


def _as_others(shared: Shared, lexemes: Sequence[str], subject: Booleans, member: Booleans) -> Floats:
    """Of each memory of the subject: how much it has a word that others use about what the new memory says."""
    import numpy as np

    scores = np.zeros(len(member))
    if not member.any():
        return scores
    used: dict[str, float] = {}
    for term in rows_where(~subject):
        others = [shared.words[row] for row in rows_where((shared.frequencies[:, term] > 0) & ~member)]
        if len(others) < 2:
            continue
        shares = _shares(others, lexemes[term])
        agreement = 1 - _diversity_of(shares, others)
        for word, share in shares.items():
            used[word] = max(used.get(word, 0.0), agreement * share / len(others))
    own = rows_where(member)
    common = Counter(word for row in own for word in shared.words[row])
    telling = {word: used[word] * (1 - common[word] / max(len(own), 2)) for word in common if word in used}
    for row in own:
        scores[row] = max((telling.get(word, 0.0) for word in shared.words[row]), default=0.0)
    return scores


def _meaning(vectors: Floats, vector: Floats, member: Booleans, counterparts: Floats | None) -> Floats:
    """How near each memory is in meaning, 0 to 1: as a whole and, those of the subject, word by word."""
    whole = _of_sentences(vectors, vector, member)
    if counterparts is None:
        return whole
    parts = whole.copy()
    own = member if member.any() else ~member
    parts[own] = _to_unit(counterparts[own])
    return (1 - WORD_BY_WORD) * whole + WORD_BY_WORD * parts


def _of_sentences(vectors: Floats, vector: Floats, member: Booleans) -> Floats:
    """How near each memory is as a whole, 0 to 1; those of the subject without what they have in common."""
    import numpy as np

    known = ~np.isnan(vectors[:, 0])
    scores = np.zeros(len(vectors))
    if not known.any():
        return scores
    own = known & member if (known & member).sum() > 1 else known
    scores[known] = _to_unit(vectors[known] @ vector)
    if own.sum() > 1:
        centre = vectors[own].mean(axis=0)
        apart, asked = vectors[own] - centre, vector - centre
        lengths = np.linalg.norm(apart, axis=1) * np.linalg.norm(asked)
        scores[own] = _to_unit(apart @ asked / np.maximum(lengths, 1e-9))
    return scores


def rows_where(condition: Booleans) -> list[int]:
    """The numbers of the rows for which a condition holds."""
    import numpy as np

    found: list[int] = np.flatnonzero(condition).tolist()
    return found


def _to_unit(scores: Floats) -> Floats:
    import numpy as np

    low, high = float(scores.min()), float(scores.max())
    return (scores - low) / (high - low) if high > low else np.zeros(len(scores))
