"""Ranking for all that is searched: lexical scores in SQL, semantic scores, and their fusion into one."""

from rookery_core.ranking.fusion import fuse, semantic_weight
from rookery_core.ranking.queries import PreparedQuery, prepare_query
from rookery_core.ranking.snippets import Snippet, best_snippet
from rookery_core.ranking.statistics import refresh_statistics
from rookery_core.ranking.texts import MAX_INDEXED_BYTES, fold, is_clipped, searchable

__all__ = [
    "MAX_INDEXED_BYTES",
    "PreparedQuery",
    "Snippet",
    "best_snippet",
    "fold",
    "fuse",
    "is_clipped",
    "prepare_query",
    "refresh_statistics",
    "searchable",
    "semantic_weight",
]
