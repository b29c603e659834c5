"""How much of what one memory says has its counterpart in another.

A new fact puts a city in the place of a city, a number in that of a number. So each telling word of the old memory is
held against the word of the new one that is likest to it: by its vector, and by what kind of word it is, which is all
that tells of a number or a name that the model does not know.

`python -m bench.memory --only conflicts` prints the figures behind the weights.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from rookery_core.embedders.pooling import FUNCTION_WORDS

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

NUMBERS_OF_ONE_FORM, NUMBERS = 0.6, 0.4
"""How alike two different numbers are: 12 and 30 more than 12 and 80,000."""
NUMBER, NAME, ORDINARY = range(3)
BETWEEN_KINDS = ((0.0, -0.3, -0.3), (-0.3, 0.15, -0.15), (-0.3, -0.15, 0.0))
"""What the kinds of two words, a row and a column, add to the likeness of their vectors."""
STEM = 4
_WORD = re.compile(r"\d[\d.,:]*\d|\w+")
_DIGIT = re.compile(r"\d")


class Word(NamedTuple):
    """A telling word of a sentence, in lower case unless it is a name; and its kind."""

    text: str
    kind: int


def telling_words(text: str, but: Sequence[str]) -> list[Word]:
    """The words that say what is said of a subject. but: the lexemes of the subject, whose forms are left out."""
    subject = tuple(lexeme[:STEM] for lexeme in but)
    words: list[Word] = []
    for match in _WORD.finditer(text):
        found = match.group()
        small = found.lower()
        if small.startswith(subject):
            continue
        if _DIGIT.search(found):
            words.append(Word(found, NUMBER))
        elif match.start() > 0 and found[0].isupper():
            words.append(Word(found, NAME))
        elif len(found) > 1 and small not in FUNCTION_WORDS:
            words.append(Word(small, ORDINARY))
    return words


def is_form_of(word: str, lexeme: str) -> bool:
    """Whether a word may have this lexeme: both begin alike."""
    return word.startswith(lexeme[:STEM])


def shares_with_counterparts(
    memories: Sequence[Sequence[Word]], new: Sequence[Word], vectors: Mapping[str, Floats]
) -> Floats:
    """For each memory the mean, over its words, of how like the likest new word is; 0 where there are no words."""
    import numpy as np

    distinct = list(dict.fromkeys(word for words in memories for word in words))
    if not distinct or not new:
        return np.zeros(len(memories))
    best: list[float] = np.minimum(_likeness(distinct, new, vectors), 1.0).max(axis=1).tolist()
    of_word = dict(zip(distinct, best, strict=True))
    return np.array([sum(of_word[word] for word in words) / max(len(words), 1) for words in memories])


def _likeness(words: Sequence[Word], others: Sequence[Word], vectors: Mapping[str, Floats]) -> Floats:
    """How like each word, a row, is to each of the others, a column."""
    import numpy as np

    likeness = (
        np.array([vectors[word.text] for word in words]) @ np.array([vectors[word.text] for word in others]).T
    )
    kinds, other_kinds = [word.kind for word in words], [word.kind for word in others]
    likeness += np.array(BETWEEN_KINDS)[kinds][:, other_kinds]
    for row in (row for row, kind in enumerate(kinds) if kind == NUMBER):
        for column in (column for column, kind in enumerate(other_kinds) if kind == NUMBER):
            likeness[row, column] = _of_numbers(words[row].text, others[column].text)
    return likeness


def _of_numbers(one: str, other: str) -> float:
    if one == other:
        return 1.0
    return NUMBERS_OF_ONE_FORM if _DIGIT.sub("9", one) == _DIGIT.sub("9", other) else NUMBERS
