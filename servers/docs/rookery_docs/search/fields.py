"""The fields of a passage: the same words count for more where they say what the text is about."""

from __future__ import annotations

import re
from collections.abc import Iterable

from rookery_docs.anchors import is_generated
from rookery_docs.records import Passage
from rookery_docs.search.analysis import symbols_of, terms_of

FIELDS = ("title", "purpose", "heading", "path", "terms", "anchor", "code", "lead", "body")
"""title: of the page. purpose: what the page's subject is for, in a line. heading: of the passage. path: headings
between. terms: what the passage defines. anchor: ids given by the author. code: what is set in code. lead: how the
page begins. body: all of it."""

_CODE = re.compile(r"`+([^`\n]+)`+")
_LEAD = 700


def terms_by_field(passage: Passage, title: str, description: str | None) -> dict[str, list[str]]:
    """The terms of each field, repeated as often as they occur."""
    first = passage.position == 0
    own_text = passage.text[passage.overlap :]
    last = passage.heading_path[-1] if passage.heading_path else ""
    purpose = " . ".join(part for part in (passage.purpose, description) if part) if first else ""
    return {
        "title": terms_of(title, stop_words=True),
        "purpose": terms_of(purpose),
        "heading": terms_of(_sentences([*passage.headings, last])),
        "path": terms_of(_sentences(passage.heading_path[1:-1])),
        "terms": terms_of(_sentences(passage.terms), stop_words=True)
        + [symbol for term in passage.terms for symbol in symbols_of(term)],
        "anchor": terms_of(_sentences(_words(name) for name in passage.anchors if not is_generated(name))),
        "code": terms_of(_sentences(_CODE.findall(own_text)), stop_words=True),
        "lead": terms_of(own_text[:_LEAD]) if first else [],
        "body": terms_of(own_text),
    }


def _sentences(parts: Iterable[str]) -> str:
    return " . ".join(parts)


def _words(anchor: str) -> str:
    return anchor.replace("-", " ")
