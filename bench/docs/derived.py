"""Queries of further kinds, derived by rule from the documents themselves, for corpora without judgments of them.

What they are derived from (glossary, index, front matter) is never in the corpus when scoring, except for titles,
purposes and messages, which the page itself holds: those kinds are easier than a person's own words.
"""

from __future__ import annotations

import random
import re
from collections import defaultdict
from collections.abc import Iterator
from typing import Any, cast
from urllib.parse import urldefrag

from bench.docs.judgments import Corpus, Judged
from rookery_ingest.docs.formats.markdown import split_front_matter
from rookery_ingest.docs.formats.tree import html

_MOST_PAGES = 5
_MOST_QUERIES = 150
_ERROR = re.compile(r"\b((?:ERROR|FATAL|PANIC): +[^\n]{15,250})")
_QUOTED = re.compile(r'"[^"\n]+"')
_GERUND = re.compile(r"(?!String )[A-Z][a-z]{2,}ing [A-Za-z]")
_NUMBER = re.compile(r"^[A-Z]?[\d.]+\s+")
_REFER = re.compile(r"(?i)for more information|\bsee (?:also )?")

Found = dict[str, set[str]]
"""Queries and the pages that answer each."""


def derived(corpus: Corpus) -> list[Judged]:
    """Every kind that the corpus has something for, a sample of those that have much."""
    judged: list[Judged] = []
    for kind, found in _of_manual(corpus) if corpus.format == "html" else _of_markdown(corpus):
        rows = [
            Judged(kind, query, frozenset(pages))
            for query, pages in found.items()
            if 0 < len(pages) <= _MOST_PAGES
        ]
        judged += random.Random(kind).sample(rows, min(_MOST_QUERIES, len(rows)))
    return judged


def _of_manual(corpus: Corpus) -> Iterator[tuple[str, Found]]:
    scored = corpus.scored
    trees: dict[str, Any] = {
        path: html.document_fromstring(data) for path, data in corpus.pages.items() if data.strip()
    }
    pages = {path: tree for path, tree in trees.items() if path in scored}
    yield "derived_glossary_definition", _glossary(trees.get("glossary.html"), scored)
    yield "derived_index_compound", _nested_entries(trees.get("bookindex.html"), scored)
    yield "derived_error_message", _messages(pages)
    yield "derived_how_do_i", _purposes(pages)
    yield "derived_how_to_title", _titles(pages)


def _of_markdown(corpus: Corpus) -> Iterator[tuple[str, Found]]:
    found: Found = defaultdict(set)
    for path in corpus.scored:
        matter, _ = split_front_matter(corpus.pages[path].decode("utf-8", "replace"))
        errors = matter.get("errors")
        for error in cast("list[Any]", errors) if isinstance(errors, list) else []:
            message = cast("dict[str, Any]", error).get("message") if isinstance(error, dict) else None
            if isinstance(message, str):
                found[message].add(path)
    yield "derived_error_message", found


def _glossary(tree: Any, scored: dict[str, bytes]) -> Found:
    """A definition's first paragraph; the pages that the definition sends its reader to."""
    found: Found = defaultdict(set)
    for definition in _all(tree, "//dd[@class='glossdef']"):
        paragraphs = _all(definition, "./p")
        sending = [each for each in paragraphs[1:] if _REFER.search(_text(each))]
        pages = {page for each in sending for page in _targets(each, scored)}
        if pages:
            found[_text(paragraphs[0])] |= pages
    return found


def _nested_entries(tree: Any, scored: dict[str, bytes]) -> Found:
    """Entries below an entry of the index: "array searching"."""
    found: Found = defaultdict(set)
    for entry in _all(tree, "//dd/dl/dt"):
        above = _all(entry, "ancestor::dd[1]/preceding-sibling::dt[1]")
        pages = set(_targets(entry, scored))
        if above and pages:
            found[f"{_entry(above[0])} {_entry(entry)}"] |= pages
    return found


def _entry(entry: Any) -> str:
    return " ".join((entry.text or "").split()).rstrip(", ")


def _messages(pages: dict[str, Any]) -> Found:
    """Messages shown in a page, with other names in them: a reader's objects are called otherwise."""
    found: Found = defaultdict(set)
    for path, tree in pages.items():
        for shown in _all(tree, "//pre"):
            for message in _ERROR.findall(shown.text_content()):
                found[_QUOTED.sub('"my_object"', " ".join(message.split()))].add(path)
    return found


def _purposes(pages: dict[str, Any]) -> Found:
    """What a reference page says its command is for, as a question."""
    found: Found = defaultdict(set)
    for path, tree in pages.items():
        for named in _all(tree, "//div[@class='refnamediv']/p"):
            _, dash, purpose = _text(named).partition(" — ")
            if dash and len(purpose.split()) > 2:
                found[f"How do I {purpose}?"].add(path)
    return found


def _titles(pages: dict[str, Any]) -> Found:
    """Titles of sections that begin with what is being done: "Building Indexes Concurrently"."""
    found: Found = defaultdict(set)
    for path, tree in pages.items():
        for title in _all(tree, "//h3[@class='title'] | //h4[@class='title']"):
            text = _NUMBER.sub("", _text(title).rstrip(" #"))
            if _GERUND.match(text):
                found[f"How to: {text}"].add(path)
    return found


def _all(element: Any, path: str) -> list[Any]:
    """What an XPath selects below an element; nothing where there is no element."""
    return [] if element is None else list(element.xpath(path))


def _targets(element: Any, scored: dict[str, bytes]) -> Iterator[str]:
    for link in _all(element, ".//a/@href"):
        page = urldefrag(str(link)).url
        if page in scored:
            yield page


def _text(element: Any) -> str:
    return " ".join(element.text_content().split())
