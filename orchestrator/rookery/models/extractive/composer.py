"""Quotes with their links, as Markdown, under a line that says what they are."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from rookery.models.extractive.ranking import Ranked, best_part, only_asks

QUOTES = 4
_FENCE = re.compile(r"^[ \t]*(?:… )?```.*$\n?", re.MULTILINE)
LEAST_SHARE = 0.5
LEAST_COVERAGE = 0.25
LEAST_SHARE_OF_COVERAGE = 0.6
"""Of what the best quote holds of the question: one word in common is not enough beside a quote with all of them."""
NOTE = "*These are quotes from what I searched, put in order by their words; no language model wrote or checked an answer.*"
NOTHING_NOTE = "*No language model took part: I looked for these words and what is near them. Other words may find more.*"


def compose(question: str, ranked: Sequence[Ranked], failed: Mapping[str, str] = MappingProxyType({})) -> str:
    """The answer: the best quotes, at most two of one page, none much weaker than the first.

    failed: servers that could not be searched, and why.
    """
    chosen = _chosen(ranked)
    parts = [_quote(question, one) for one in chosen] or [_nothing(question)]
    parts += [f"{server} was not searched: {reason.rstrip('.')}." for server, reason in failed.items()]
    return "\n\n".join([*parts, NOTE if chosen else NOTHING_NOTE])


def _chosen(ranked: Sequence[Ranked]) -> list[Ranked]:
    strong = [one for one in ranked if one.coverage >= LEAST_COVERAGE]
    strong = [one for one in strong if not only_asks(one.passage.text)] or strong
    chosen: list[Ranked] = []
    pages: dict[str, int] = {}
    texts: set[str] = set()
    for one in strong:
        page = re.split(r"[?#]", one.passage.permalink)[0]
        text = " ".join(one.passage.text.split()).lower()
        if one.coverage < LEAST_SHARE_OF_COVERAGE * strong[0].coverage:
            continue
        if one.score < LEAST_SHARE * strong[0].score or pages.get(page, 0) >= 2 or text in texts:
            continue
        pages[page] = pages.get(page, 0) + 1
        texts.add(text)
        chosen.append(one)
        if len(chosen) == QUOTES:
            break
    return chosen


def _quote(question: str, one: Ranked) -> str:
    lines = _plain_lines(best_part(question, one.passage.text))
    quoted = "\n".join(f"> {line}".rstrip() for line in lines)
    label = re.sub(r"[\[\]`*_]", "", one.passage.title or one.passage.author or one.passage.server)
    return f"{quoted}\n>\n> — [{label}]({one.passage.permalink})"


def _plain_lines(text: str) -> list[str]:
    """The lines of a quote: headings as bold words, no half a code block, one empty line between paragraphs."""
    if len(_FENCE.findall(text)) % 2:
        text = _FENCE.sub("", text)
    lines: list[str] = []
    for line in text.strip().splitlines():
        line = re.sub(r"^(… )?#{1,6} +(.*?) *#*$", r"\1**\2**", line.rstrip())
        if line or (lines and lines[-1]):
            lines.append(line)
    return lines


def _nothing(question: str) -> str:
    shown = " ".join(question.split())
    return f"I found nothing about “{shown[:200]}” in what I may search."
