"""How much each field says, and how the parts of a score are put together. Chosen by reasoning, checked by bench/docs/__main__.py.

`length`: how far a long field counts less (b of BM25F). A term that a passage defines is no less defined for being one
of many, so that field has next to none.

`make bench-docs` prints the figures behind the weights.
"""

from __future__ import annotations

from rookery_docs.search.fields import FIELDS

WEIGHT = {
    "title": 6.0, "purpose": 3.0, "heading": 3.0, "path": 1.0, "name": 2.0, "terms": 3.0, "anchor": 2.0, "code": 0.5, "lead": 0.5,
    "body": 1.0,
}  # fmt: skip
LENGTH = {
    "title": 0.3, "purpose": 0.3, "heading": 0.5, "path": 0.3, "name": 0.3, "terms": 0.1, "anchor": 0.3, "code": 0.5, "lead": 0.3,
    "body": 0.7,
}  # fmt: skip
FIELD_WEIGHTS = tuple(WEIGHT[name] for name in FIELDS)
FIELD_LENGTHS = tuple(LENGTH[name] for name in FIELDS)

PASSAGE_SATURATION = 1.2
PAGE_SATURATION = 3.0
"""k1 of BM25: a page repeats its words more than a passage does before the next one says less."""

PASSAGE_SHARE = 0.55
"""Of a page's lexical score, what its best passage gives; the rest comes from the page as a whole."""

TITLE_BONUS = 0.25
"""For a title that is the query, in proportion to how far both are the same words."""

SEMANTIC_WEIGHT_WEAK = 0.2
SEMANTIC_WEIGHT_STRONG = 0.5
"""The vectors' part of the score: a small static model must not outvote the words."""

PRIOR = {"page": 1.0, "changelog": 0.6, "index": 0.0}
"""What describes the present comes before what tells of changes."""

PARTS_OF_KNOWN_IDENTIFIER = 0.25
"""Weight of the parts of an identifier that occurs as a whole."""

SYNONYM = 0.7
"""Another way to say it, against the query's own words: of the two the stronger counts, not both."""

WEAK_WORD = 0.4
"""A word of the question rather than of its subject, or the name of what is searched."""

PAIR = 0.2
"""Two words of the query that stand together in the text as well."""

PAIR_OF_MESSAGE = 0.7
"""The same in a pasted message: it is asked for word by word."""

FEW_PASSAGES = 100
"""In fewer passages no word is rare: what holds any word of the query is an answer."""

FLOOR = 0.35
"""The least fit of an answer; measured with `make bench-answers`."""
