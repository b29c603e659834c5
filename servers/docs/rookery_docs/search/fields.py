"""The fields of a passage: the same words count for more where they say what the text is about."""

from __future__ import annotations

import re
from collections.abc import Iterable

from rookery_docs.anchors import is_generated
from rookery_docs.paths import names_of
from rookery_docs.records import PageRecord, Passage
from rookery_docs.search.analysis import pairs_of, symbols_of, terms_of

ANALYSIS_VERSION = 2
"""Grows when the terms of a text are others than before, so that an import analyses texts again."""

FIELDS = ("title", "purpose", "heading", "path", "name", "terms", "anchor", "code", "lead", "body")
"""title: of the page, up to a dash. purpose: what the page's subject is for, in a line; also what follows that dash. heading: of the passage. path: headings
between, and on a chapter's first page the titles of its pages. name: the words of the page's path. terms: what the passage defines. anchor: ids given by the author. code: what is set in code. lead: how the
page begins. body: all of it."""

_CODE = re.compile(r"`+([^`\n]+)`+")
_DASH = re.compile(r"\s+[—–]\s+")
_NAME_JOINTS = re.compile(r"[/_.\-]+")
_LEAD = 700


def terms_by_field(passage: Passage, page: PageRecord) -> dict[str, list[str]]:
    """The terms of each field of a passage of a page, repeated as often as they occur."""
    first = passage.position == 0
    own_text = passage.text[passage.overlap :]
    last = passage.heading_path[-1:]
    named = [name.replace("-", " ") for name in passage.anchors if not is_generated(name)]
    title, told = _title(page)
    purpose = [part for part in (told, passage.purpose, page.description) if part] if first else []
    return {
        "title": _terms([title], stop_words=True),
        "purpose": _terms(purpose),
        "heading": _terms([*passage.headings, *last]),
        "path": _terms([*passage.heading_path[1:-1], *(page.contents if first else ())]),
        "name": terms_of(_name(page.path)),
        "terms": _terms(passage.terms, stop_words=True)
        + [symbol for term in passage.terms for symbol in symbols_of(term)],
        "anchor": _terms(named),
        "code": _terms(_CODE.findall(own_text), stop_words=True),
        "lead": _terms([own_text[:_LEAD]]) if first else [],
        "body": _terms(own_text.split("\n")),
    }


def _terms(parts: Iterable[str], *, stop_words: bool = False) -> list[str]:
    """Terms of each part, and the pairs within each."""
    found: list[str] = []
    for part in parts:
        found += terms_of(part, stop_words=stop_words)
        found += pairs_of(part)
    return found


def _title(page: PageRecord) -> tuple[str, str]:
    """What a page is called, and what its title says of that: "dblink — connect to other databases".

    A title that is only the file's name says too little, so that of its folder belongs to it: "stats_agg rollup".
    """
    names = names_of(page.path)
    if page.title == names[-1]:
        return " ".join(names[-2:]), ""
    title, *told = _DASH.split(page.title, maxsplit=1)
    return title, "".join(told)


def _name(page: str) -> str:
    """The words of a path, without its suffix: "api/time_bucket.md" is about an api and a time bucket."""
    names = names_of(page)
    return _NAME_JOINTS.sub(" ", "/".join(names)) + " " + names[-1]
