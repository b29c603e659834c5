"""How much of what one memory says has its counterpart in another.

A new fact puts a city in the place of a city, a number in that of a number. So each telling word of the old memory is
held against the word of the new one that is likest to it: by its vector, and by what kind of word it is, which is all
that tells of a number or a name that the model does not know.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from rookery_core.embedders.pooling import FUNCTION_WORDS

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

NUMBERS_OF_ONE_FORM, NUMBERS = 0.6, 0.4
"""How alike two different numbers are: 12 and 30 more than 12 and 80,000."""
BOTH_NAMES, ONE_A_NAME, ONE_A_NUMBER = 0.15, -0.15, -0.3
"""What the kinds of two words add to the likeness of their vectors."""
STEM = 4
_WORD = re.compile(r"\d[\d.,:]*\d|\w+")
_DIGIT = re.compile(r"\d")


@dataclass(frozen=True, slots=True)
class Word:
    """A telling word of a sentence, in lower case unless it is a name."""

    text: str
    kind: Literal["number", "name", "word"]


def telling_words(text: str, but: Sequence[str]) -> list[Word]:
    """The words that say what is said of a subject. but: the lexemes of the subject, whose forms are left out."""
    words: list[Word] = []
    for match in _WORD.finditer(text):
        found = match.group()
        if any(is_form_of(found.lower(), lexeme) for lexeme in but):
            continue
        if _DIGIT.search(found):
            words.append(Word(found, "number"))
        elif match.start() > 0 and found[0].isupper():
            words.append(Word(found, "name"))
        elif len(found) > 1 and found.lower() not in FUNCTION_WORDS:
            words.append(Word(found.lower(), "word"))
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
    own = np.array([vectors[word.text] for word in distinct])
    likeness = own @ np.array([vectors[word.text] for word in new]).T
    best = {
        word: min(
            max(_with_kinds(word, other, float(value)) for other, value in zip(new, row, strict=True)), 1.0
        )
        for word, row in zip(distinct, likeness, strict=True)
    }
    return np.array([sum(best[word] for word in words) / max(len(words), 1) for words in memories])


def _with_kinds(word: Word, other: Word, likeness: float) -> float:
    if word.kind == other.kind == "number":
        alike = _form(word) == _form(other)
        return 1.0 if word == other else NUMBERS_OF_ONE_FORM if alike else NUMBERS
    if word.kind == other.kind:
        return likeness + (BOTH_NAMES if word.kind == "name" else 0.0)
    return likeness + (ONE_A_NUMBER if "number" in (word.kind, other.kind) else ONE_A_NAME)


def _form(number: Word) -> str:
    return _DIGIT.sub("9", number.text)
