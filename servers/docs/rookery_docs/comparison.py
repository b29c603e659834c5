"""What changed in a page between two versions: paragraph by paragraph, without renumbered cross references."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from rookery_docs.search.analysis import terms_of
from rookery_docs.store.reader import PagePassage

_REFERENCE = re.compile(r"\b(Section|Chapter|Table|Figure|Example|Appendix|Part)\s+[\dA-Z]+(?:\.\d+)*")


@dataclass(frozen=True, slots=True)
class Change:
    """A stretch that differs. heading: where. before or after is empty for what was added or removed."""

    heading: str
    anchor: str | None
    before: str
    after: str
    weight: float


@dataclass(frozen=True, slots=True)
class _Paragraph:
    text: str
    heading: str
    anchor: str | None

    @property
    def key(self) -> str:
        return " ".join(_REFERENCE.sub(r"\1", self.text).split())


def changes(
    old: Sequence[PagePassage], new: Sequence[PagePassage], terms: Mapping[str, float]
) -> list[Change]:
    """The differences, those that speak of `terms` first, otherwise in the order of the page."""
    before, after = _paragraphs(old), _paragraphs(new)
    matcher = SequenceMatcher(
        None, [each.key for each in before], [each.key for each in after], autojunk=False
    )
    found = [
        _change(before[i1:i2], after[j1:j2], terms)
        for tag, i1, i2, j1, j2 in matcher.get_opcodes()
        if tag != "equal"
    ]
    return sorted(found, key=lambda change: -change.weight)


def _paragraphs(passages: Sequence[PagePassage]) -> list[_Paragraph]:
    return [
        _Paragraph(part.strip(), " > ".join(passage.heading_path), passage.anchor)
        for passage in passages
        for part in _split(passage.text)
        if part.strip()
    ]


def _split(text: str) -> list[str]:
    """Paragraphs; a table's rows each by itself; a listing whole."""
    parts: list[str] = []
    for block in re.split(r"(```.*?```)", text, flags=re.DOTALL):
        if block.startswith("```"):
            parts.append(block)
            continue
        for part in re.split(r"\n{2,}", block):
            parts += part.split("\n") if part.lstrip().startswith("|") else [part]
    return parts


def _change(before: Sequence[_Paragraph], after: Sequence[_Paragraph], terms: Mapping[str, float]) -> Change:
    place = (after or before)[0]
    old, new = "\n\n".join(each.text for each in before), "\n\n".join(each.text for each in after)
    present = set(terms_of(old + " " + new + " " + place.heading, stop_words=True))
    return Change(
        place.heading, place.anchor, old, new, sum(terms[term] for term in present if term in terms)
    )
