"""Quotes with their links, as Markdown, under a line that says what they are."""

from __future__ import annotations

import re
from collections.abc import Sequence

from rookery.models.extractive.ranking import Ranked, best_part

QUOTES = 4
LEAST_SHARE = 0.5
LEAST_COVERAGE = 0.25
NOTE = "*These are quotes from what I searched, put in order by their words; no language model wrote or checked an answer.*"


def compose(question: str, ranked: Sequence[Ranked], failed: Sequence[str] = ()) -> str:
    """The answer: the best quotes, at most two of one page, none much weaker than the first."""
    chosen = _chosen(ranked)
    parts = [_quote(question, one) for one in chosen] or [_nothing(question)]
    if failed:
        parts.append(f"Not searched, because it did not answer: {', '.join(failed)}.")
    return "\n\n".join([*parts, NOTE])


def _chosen(ranked: Sequence[Ranked]) -> list[Ranked]:
    strong = [one for one in ranked if one.coverage >= LEAST_COVERAGE]
    chosen: list[Ranked] = []
    pages: dict[str, int] = {}
    texts: set[str] = set()
    for one in strong:
        page = re.split(r"[?#]", one.passage.permalink)[0]
        text = " ".join(one.passage.text.split()).lower()
        if one.score < LEAST_SHARE * strong[0].score or pages.get(page, 0) >= 2 or text in texts:
            continue
        pages[page] = pages.get(page, 0) + 1
        texts.add(text)
        chosen.append(one)
        if len(chosen) == QUOTES:
            break
    return chosen


def _quote(question: str, one: Ranked) -> str:
    text = best_part(question, one.passage.text)
    quoted = "\n".join(f"> {line}".rstrip() for line in text.splitlines())
    label = re.sub(r"[\[\]]", "", one.passage.title or one.passage.author or one.passage.server)
    return f"{quoted}\n> — [{label}]({one.passage.permalink})"


def _nothing(question: str) -> str:
    shown = " ".join(question.split())
    return f"I found nothing about “{shown[:200]}” in what I may search."
