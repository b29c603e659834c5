"""How turns of a conversation are ranked, given what the database found out about each.

A turn is short and leans on its neighbours. Three things besides its own words and meaning tell whether it answers:

* the turn before it, most of all when that one ends in a question, for then this one is the answer;
* the turn after it, a little;
* the sitting it belongs to: what people talk about in one sitting hangs together.

What a turn borrows from its neighbours shrinks when it is much longer than usual: a long message stands for itself.

`make bench-memory` prints the figures behind the weights.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rookery_core.ranking.bm25 import bm25, containing, idf

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Integers = NDArray[np.int64]
    Booleans = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Mixture:
    """How much each thing counts. Chosen by reasoning, checked on held-out conversations (bench/memory/__main__.py).

    answered: of the words of the turn before that asks. previous, following: of other neighbours. sitting, facts: of
    the scores of the sitting and of facts drawn from the turn, against 1 for the turn itself. long: times the mean
    length from which on a turn borrows less. semantic: of the meaning against the words; None as the embedder says.
    """

    answered: float = 0.8
    previous: float = 0.3
    following: float = 0.2
    sitting: float = 0.25
    facts: float = 0.45
    long: float = 2.0
    semantic: float | None = None


USUAL = Mixture()


@dataclass(frozen=True, slots=True)
class TurnSignals:
    """What is known of each turn, in the order of conversations and positions; one row each.

    conversation and session: numbers that tell them apart. frequencies: a column for each term of the query.
    similarity: of the meaning, NaN where there is no vector.
    """

    conversation: Integers
    position: Integers
    session: Integers
    asks: Booleans
    lengths: Floats
    frequencies: Floats
    similarity: Floats


def rank_turns(
    signals: TurnSignals,
    term_weights: Floats,
    semantic_weight: float,
    facts: Floats,
    mixture: Mixture = USUAL,
) -> Floats:
    """A score for each turn, 0 to 1. facts: the best score, 0 to 1, of a fact drawn from the turn."""
    import numpy as np

    if not len(signals.position):
        return np.zeros(0)
    words = _by_words(signals, term_weights)
    semantic = semantic_weight if mixture.semantic is None or not semantic_weight else mixture.semantic
    score = (1 - semantic) * _to_unit(_with_neighbours(words, signals, mixture))
    score += semantic * _to_unit(_known(signals.similarity))
    score += mixture.sitting * _to_unit(_of_sittings(signals, term_weights))
    return (_to_unit(score) + mixture.facts * facts) / (1 + mixture.facts)


def _by_words(signals: TurnSignals, term_weights: Floats) -> Floats:
    rarity = idf(len(signals.frequencies), containing(signals.frequencies))
    return bm25(signals.frequencies, signals.lengths, term_weights * rarity)


def _with_neighbours(words: Floats, signals: TurnSignals, mixture: Mixture) -> Floats:
    import numpy as np

    if len(words) < 2:
        return words
    adjacent = (
        (signals.conversation[1:] == signals.conversation[:-1])
        & (signals.session[1:] == signals.session[:-1])
        & (signals.position[1:] == signals.position[:-1] + 1)
    )
    leaning = np.minimum(
        1.0, mixture.long * max(float(signals.lengths.mean()), 1.0) / np.maximum(signals.lengths, 1.0)
    )
    from_previous = np.where(signals.asks[:-1], mixture.answered, mixture.previous)
    borrowed = words.copy()
    borrowed[1:] += from_previous * words[:-1] * adjacent * leaning[1:]
    borrowed[:-1] += mixture.following * words[1:] * adjacent * leaning[:-1]
    return borrowed


def _of_sittings(signals: TurnSignals, term_weights: Floats) -> Floats:
    """The score of each turn's whole sitting."""
    import numpy as np

    pairs = np.stack([signals.conversation, signals.session], axis=1)
    sittings, membership = np.unique(pairs, axis=0, return_inverse=True)
    membership = membership.reshape(-1)
    frequencies = np.zeros((len(sittings), signals.frequencies.shape[1]))
    np.add.at(frequencies, membership, signals.frequencies)
    lengths = np.zeros(len(sittings))
    np.add.at(lengths, membership, signals.lengths)
    rarity = idf(len(sittings), containing(frequencies))
    return bm25(frequencies, lengths, term_weights * rarity)[membership]


def _known(similarity: Floats) -> Floats:
    """A turn without a vector counts as the least similar one."""
    import numpy as np

    missing = np.isnan(similarity)
    if missing.all():
        return np.zeros(len(similarity))
    return np.where(missing, np.nanmin(similarity), similarity)


def _to_unit(scores: Floats) -> Floats:
    """Brought to 0..1; all 0 when nothing tells them apart."""
    import numpy as np

    low, high = float(scores.min()), float(scores.max())
    return (scores - low) / (high - low) if high > low else np.zeros(len(scores))
