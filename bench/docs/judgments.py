"""Corpora and judgments of the documentation benchmark, in the formats that the data comes in."""

from __future__ import annotations

import gzip
import json
import math
import re
import tarfile
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any

from rookery_ingest.docs.formats.markdown import split_front_matter
from rookery_ingest.docs.raw import Delivered, RawPage
from rookery_ingest.docs.timescale import expanded

LEFT_OUT = re.compile(r"^(?:bookindex|glossary|release|biblio)[\w.-]*\.html$")
"""Pages that would give the answers away, or that nobody looks up: never in the corpus when scoring."""

_SNIPPETS = re.compile(r"(?:^|/)(?:\.|_partials/|_queries/|_code-samples/)")


@dataclass(frozen=True)
class Corpus:
    """Documents by path. version: the digits in their folder's name, if it is a manual's."""

    name: str
    version: str
    pages: dict[str, bytes]

    @cached_property
    def scored(self) -> dict[str, bytes]:
        """The documents that are searched when scoring: no index pages, no front matter; snippets put in."""
        if self.format == "html":
            return {path: data for path, data in self.pages.items() if not LEFT_OUT.match(path)}
        bodies = {
            path: split_front_matter(data.decode("utf-8", "replace"))[1].encode()
            for path, data in self.pages.items()
        }
        return {path: expanded(path, bodies).encode() for path in bodies if not _SNIPPETS.search(path)}

    @property
    def format(self) -> str:
        """html or markdown, by most of the documents."""
        html = sum(path.endswith(".html") for path in self.pages)
        return "html" if html * 2 > len(self.pages) else "markdown"


@dataclass(frozen=True, slots=True)
class Judged:
    """A query of one kind and the pages that answer it."""

    kind: str
    query: str
    pages: frozenset[str]


class NotReadable(Exception):
    """DOCS or QRELS holds something else than it should; the message says what."""


def read_corpora(place: Path) -> list[Corpus]:
    """The corpora of a folder or a tar archive of HTML or Markdown: one, or one for each of its folders named by a version.

    Raises NotReadable.
    """
    if place.is_dir():
        return _corpora(place, place.name)
    try:
        with tempfile.TemporaryDirectory() as folder, tarfile.open(place) as archive:
            archive.extractall(folder, filter="data")
            return _corpora(Path(folder), place.name)
    except (tarfile.TarError, OSError) as error:
        raise NotReadable(f"DOCS: {place} is neither a folder nor a tar archive ({error}).") from error


def _corpora(root: Path, name: str) -> list[Corpus]:
    while len(inside := list(root.iterdir())) == 1 and inside[0].is_dir():
        root = inside[0]
    versions = sorted(folder for folder in root.iterdir() if folder.is_dir() and folder.name.isdigit())
    if len(versions) > 1:
        return [_corpus(folder, f"{name}/{folder.name}") for folder in versions]
    return [_corpus(root, name)]


def _corpus(root: Path, name: str) -> Corpus:
    files = [file for suffix in ("*.html", "*.md", "*.mdx") for file in sorted(root.rglob(suffix))]
    if not files:
        raise NotReadable(f"DOCS: {name} holds no HTML and no Markdown.")
    while (
        len(tops := {file.relative_to(root).parts[0] for file in files}) == 1 and (root / min(tops)).is_dir()
    ):
        root /= min(tops)
    pages = {file.relative_to(root).as_posix(): file.read_bytes() for file in files}
    digits = re.search(r"\d+", root.name) or re.search(r"\d+", name)
    return Corpus(name, digits.group(0) if digits else "latest", pages)


def read_judgments(files: Sequence[Path], corpora: Sequence[Corpus]) -> dict[str, list[Judged]]:
    """Queries by the name of the corpus that holds most of their pages."""
    found: dict[str, list[Judged]] = defaultdict(list)
    held = {corpus.name: frozenset(corpus.scored) for corpus in corpora}
    for file in files:
        rows = _rows(file)
        judged = [each for row in rows if (each := _judged(file, row)) is not None]
        versions = [str(row["version"]) for row in rows if "version" in row]
        corpus = _corpus_of(
            judged, max(set(versions), key=versions.count) if versions else None, corpora, held
        )
        for each in judged:
            if pages := each.pages & held[corpus.name]:
                found[corpus.name].append(Judged(each.kind, each.query, pages))
    return dict(found)


def _corpus_of(
    judged: Sequence[Judged], version: str | None, corpora: Sequence[Corpus], held: dict[str, frozenset[str]]
) -> Corpus:
    """The corpus that holds most of the pages; of those that hold more than half, the one of that version."""
    wanted = {page for row in judged for page in row.pages}
    shares = {corpus.name: len(wanted & held[corpus.name]) / (len(wanted) or 1) for corpus in corpora}
    exact = [corpus for corpus in corpora if corpus.version == version and shares[corpus.name] > 0.5]
    return exact[0] if exact else max(corpora, key=lambda corpus: shares[corpus.name])


def _rows(file: Path) -> list[dict[str, Any]]:
    data = file.read_bytes()
    try:
        text = (gzip.decompress(data) if file.suffix == ".gz" else data).decode("utf-8")
        rows = [json.loads(line) for line in text.splitlines() if line.strip()]
    except (OSError, ValueError) as error:
        raise NotReadable(f"QRELS: {file} is not lines of JSON ({error}).") from error
    if not all(isinstance(row, dict) and {"query", "relevant"} <= row.keys() for row in rows):
        raise NotReadable(f"QRELS: a line of {file} has no query or no relevant pages.")
    return rows


def _judged(file: Path, row: dict[str, Any]) -> Judged | None:
    relevant: list[Any] = row["relevant"]
    if len(relevant) > 5 and "kind" in row:
        return None  # an index entry with so many targets is no question
    pages = frozenset(each if isinstance(each, str) else str(each["page"]) for each in relevant)
    kind = row.get("kind") or _kind_of_file(file, row)
    return Judged(str(kind), str(row["query"]), pages)


def _kind_of_file(file: Path, row: dict[str, Any]) -> str:
    name = PurePosixPath(file.name).name.split(".")[0].removeprefix("qrels-").replace("-", "_")
    if "release" in name:
        return f"release_notes_{row.get('version', '')}".rstrip("_")
    return re.sub(r"_\d+", "", name)


@dataclass(frozen=True, slots=True)
class Quality:
    """Means over the queries of one kind."""

    queries: int
    hit1: float
    hit10: float
    ndcg10: float


def judge(judged: Sequence[Judged], rank: Callable[[Judged], Sequence[str]]) -> Quality:
    """How a ranking of pages does on queries of one kind."""
    hit1 = hit10 = ndcg = 0.0
    for row in judged:
        first = list(rank(row))[:10]
        gains = [page in row.pages for page in first]
        hit1 += bool(gains and gains[0])
        hit10 += any(gains)
        ideal = sum(1 / math.log2(place + 2) for place in range(min(10, len(row.pages))))
        ndcg += sum(1 / math.log2(place + 2) for place, gain in enumerate(gains) if gain) / ideal
    count = len(judged) or 1
    return Quality(len(judged), hit1 / count, hit10 / count, ndcg / count)


def by_kind(judged: Sequence[Judged]) -> Iterator[tuple[str, list[Judged]]]:
    """The queries of each kind, kinds in alphabetical order."""
    kinds: dict[str, list[Judged]] = defaultdict(list)
    for row in judged:
        kinds[row.kind].append(row)
    yield from sorted(kinds.items())


def raw_pages(pages: dict[str, bytes], format_name: str, base_url: str) -> list[Delivered]:
    """Documents as an import takes them."""
    return [RawPage(path, base_url + path, format_name, data) for path, data in sorted(pages.items())]
