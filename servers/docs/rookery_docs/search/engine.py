"""Searches: which releases are meant, what the query means, which pages come first.

`make bench-docs` prints the figures behind the weights.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Literal

from rookery_core.errors import RookeryError
from rookery_core.ranking.fit import BEST, NOTHING_FITS, ONLY_NEAR, best_fit, is_unfit, scaled
from rookery_core.telemetry import get_logger
from rookery_docs.search import weights
from rookery_docs.search.analysis import terms_of_token, tokens
from rookery_docs.search.cache import IndexCache
from rookery_docs.search.postings import term_hash
from rookery_docs.search.query import Query, parse
from rookery_docs.store.reader import DocsReader, ReleaseInfo

if TYPE_CHECKING:
    from rookery_core.database import Database
    from rookery_core.identity import Caller
    from rookery_docs.search.release_index import ReleaseIndex

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from rookery_core.database import Database
    from rookery_core.embedders import Embedder
    from rookery_core.identity import Caller
    from rookery_docs.search.query import Query
    from rookery_docs.search.release_index import ReleaseIndex
    from rookery_docs.search.scoring import Scores

logger = get_logger(__name__)
Mode = Literal["hybrid", "keyword", "semantic"]
PASSAGES_A_PAGE = 3
_AS_GOOD = 0.8
"""A further passage of a page is worth showing when its score is at least this share of the best one's."""
_REMEMBERED_QUERIES = 512


@dataclass(frozen=True, slots=True)
class RankedPassage:
    """A passage of a ranked page. distance: cosine distance to the query, seen from the middle of its release;
    None when the search is by words alone."""

    content_id: int
    score: float
    distance: float | None
    heading_path: tuple[str, ...]
    anchor: str | None
    text: str


@dataclass(frozen=True, slots=True)
class _Scored:
    release: ReleaseInfo
    index: ReleaseIndex
    scores: Scores


@dataclass(frozen=True, slots=True)
class _Where:
    """A page among the scores of its release."""

    scored: _Scored
    page: int

    def best(self, share: float) -> tuple[RankedPassage, ...]:
        """The best passage of the page, and further ones whose score is at least this share of its score."""
        import numpy as np

        index, scores = self.scored.index, self.scored.scores
        rows = index.passages_of(self.page)
        own = scores.passages[rows]
        order = np.argsort(-own, kind="stable")[:PASSAGES_A_PAGE]
        numbers = rows.start + order[own[order] >= share * own[order[0]]]
        return tuple(
            RankedPassage(
                int(index.content_ids[row]),
                min(float(scores.passages[row]), 1.0),
                None if scores.cosine is None else float(1.0 - scores.cosine[row]),
                *index.texts[row],
            )
            for row in numbers.tolist()
        )


@dataclass(frozen=True, eq=False)
class RankedPage:
    """A page found: its release, its score (0 to 1)."""

    release: ReleaseInfo
    path: str
    url: str
    title: str
    score: float
    _where: _Where = field(repr=False)

    @property
    def words(self) -> float:
        """The share of the query's words, by rarity, that the page holds."""
        return float(self._where.scored.scores.words[self._where.page])

    @property
    def meaning(self) -> float:
        """The cosine similarity of the page's nearest passage; 0 when the search is by words alone."""
        cosine = self._where.scored.scores.cosine
        return (
            0.0
            if cosine is None
            else float(cosine[self._where.scored.index.passages_of(self._where.page)].max())
        )

    @cached_property
    def passages(self) -> tuple[RankedPassage, ...]:
        """The page's best passages. Looked up when they are asked for: few of the pages found are shown."""
        return self._where.best(0)

    @cached_property
    def telling(self) -> tuple[RankedPassage, ...]:
        """Those of its best passages that are worth showing."""
        return self._where.best(_AS_GOOD)


@dataclass(frozen=True, slots=True)
class Ranking:
    """The pages of a query, best first. note: what the asker should know about how they were found."""

    pages: list[RankedPage]
    query: Query
    corrected: dict[str, str]
    note: str | None


class SearchEngine:
    """Ranks pages of releases. One for each server process."""

    def __init__(
        self, embedder: Embedder | None, semantic_weight: float | None, index_folder: Path | None = None
    ) -> None:
        self._embedder = embedder
        self._cache = IndexCache(embedder, index_folder)
        self._vectors: OrderedDict[str, NDArray[np.float32]] = OrderedDict()
        weak = embedder is None or embedder.weak
        default = weights.SEMANTIC_WEIGHT_WEAK if weak else weights.SEMANTIC_WEIGHT_STRONG
        self._semantic_weight = default if semantic_weight is None else semantic_weight

    async def warm(self, database: Database, caller: Caller, releases: Sequence[ReleaseInfo]) -> None:
        """Make the indexes of `releases` and load the embedder, so that the first search does not wait."""
        for release in releases:
            await self._cache.index(database, caller, release)
        await self._embed("warm up")

    async def rank(
        self,
        database: Database,
        caller: Caller,
        text: str,
        releases: Sequence[ReleaseInfo],
        *,
        mode: Mode = "hybrid",
        semantic_weight: float | None = None,
        most: int = 50,
    ) -> Ranking:
        """The best `most` pages of `releases` for a query."""
        from rookery_docs.search import scoring

        indexes = [await self._cache.index(database, caller, release) for release in releases]
        query, corrected = await corrected_query(database, caller, text, indexes, _names(releases))
        weight = self._weight(mode, semantic_weight)
        vector, note = (await self._embed(text)) if weight > 0 else (None, None)
        request = scoring.prepare(query, indexes, vector, weight)
        scored = [
            _Scored(release, index, scoring.score(index, request))
            for release, index in zip(releases, indexes, strict=True)
        ]
        pages, fit_note = self._fitting(_top(scored, most), sum(index.passages.size for index in indexes))
        return Ranking(pages, query, corrected, note or fit_note)

    def _fitting(self, pages: list[RankedPage], passages: int) -> tuple[list[RankedPage], str | None]:
        """The pages with scores on one scale, and a note; none when the best of them does not fit the query."""
        words = {page: page.words for page in pages[:BEST]}
        best = best_fit(pages, words, {page: page.meaning for page in words})
        small = any(words.values()) and passages < weights.FEW_PASSAGES
        if not pages or (not small and is_unfit(best, weights.FLOOR, self._embedder)):
            return [], NOTHING_FITS
        note = None if any(words.values()) else ONLY_NEAR
        scores = scaled([(page, page.score) for page in pages], best)
        return [replace(page, score=score) for page, score in scores], note

    def _weight(self, mode: Mode, semantic_weight: float | None) -> float:
        if mode == "keyword" or self._embedder is None:
            return 0.0
        if mode == "semantic":
            return 1.0
        return self._semantic_weight if semantic_weight is None else semantic_weight

    async def _embed(self, text: str) -> tuple[NDArray[np.float32] | None, str | None]:
        if self._embedder is None:
            return None, None
        if (known := self._vectors.get(text)) is not None:
            self._vectors.move_to_end(text)
            return known, None
        try:
            vector = (await self._embedder.embed([text], kind="query"))[0]
        except RookeryError as error:
            logger.warning("searching by words alone: %s", error)
            return None, "The embedding model could not be reached: these results are by words alone."
        self._vectors[text] = vector
        if len(self._vectors) > _REMEMBERED_QUERIES:
            self._vectors.popitem(last=False)
        return vector, None


def _names(releases: Sequence[ReleaseInfo]) -> list[str]:
    """What the sources are called, with PostgreSQL's two names for itself."""
    names = {word for release in releases for word in (release.source, *release.title.split())}
    if names & {"postgres", "postgresql", "PostgreSQL"}:
        names |= {"postgres", "postgresql"}
    return sorted(names)


def _top(scored: Sequence[_Scored], most: int) -> list[RankedPage]:
    """The best pages of all releases; equal ones in the order of the releases and of their pages."""
    import numpy as np

    best = [_best_pages(each.scores.pages, most) for each in scored]
    values = np.concatenate([each.scores.pages[pages] for each, pages in zip(scored, best, strict=True)])
    pages = np.concatenate(best)
    owners = np.repeat(np.arange(len(best)), [len(numbers) for numbers in best])
    order = np.lexsort((pages, owners, -values))[:most]
    return [_page(scored[int(owners[at])], int(pages[at])) for at in order]


def _best_pages(scores: NDArray[np.float32], most: int) -> NDArray[np.intp]:
    """The numbers of the `most` best pages, in no order; none without any score."""
    import numpy as np

    pages = np.argpartition(-scores, most)[:most] if most < len(scores) else np.arange(len(scores))
    return pages[scores[pages] > 0]


def _page(scored: _Scored, page: int) -> RankedPage:
    return RankedPage(
        scored.release, *scored.index.listed[page], float(scored.scores.pages[page]), _Where(scored, page)
    )


_SHORTEST = 4
_LEAST_ALIKE = 0.4
_MOST_CORRECTED = 6


async def corrected_query(
    database: Database, caller: Caller, text: str, indexes: Sequence[ReleaseIndex], names: Sequence[str]
) -> tuple[Query, dict[str, str]]:
    """The query of a text, and which of its words were replaced by which. names: what the searched sources are called."""

    def frequency(term: int) -> int:
        return sum(index.passages.frequency(term) for index in indexes)

    query = parse(text, lambda term: frequency(term) > 0, names)
    wrong = [word.lower() for word in query.unknown if len(word) >= _SHORTEST][:_MOST_CORRECTED]
    if not wrong:
        return query, {}
    async with database.transaction(caller, readonly=True) as connection:
        similar = await DocsReader(connection, caller).similar_words(wrong)
    chosen: dict[str, str] = {}
    for word, candidates in similar.items():
        best = _best(word, candidates, frequency)
        if best is not None:
            chosen[word] = best
    if not chosen:
        return query, {}
    replaced = " ".join(chosen.get(part.lower(), part) for part in tokens(text))
    return parse(replaced, lambda term: frequency(term) > 0, names), chosen


def _best(word: str, candidates: list[tuple[str, float]], frequency: Callable[[int], int]) -> str | None:
    alike = [
        (likeness + (0.1 if candidate[0] == word[0] else 0.0), candidate)
        for candidate, likeness in candidates
        if likeness >= _LEAST_ALIKE and any(frequency(term_hash(term)) for term in terms_of_token(candidate))
    ]
    return max(alike)[1] if alike else None
