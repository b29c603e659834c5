"""From a question to searches: which tools, with which words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, cast

from rookery.models.extractive.days import Period
from rookery.models.extractive.words import content_words
from rookery.models.protocol import ToolDefinition, ToolUse

SEARCHES = ("search_messages", "search_docs", "recall", "search_issues")
_QUERY_PARAMETERS = ("query", "q", "question", "text", "keywords")
_LIMITS = ("limit", "max_results", "page_size", "top_k", "count")
RESULTS = 10
MOST_PERIODS = 2


def first_round(
    question: str,
    tools: Sequence[ToolDefinition],
    searches: Sequence[str] = SEARCHES,
    periods: Sequence[Period] = (),
) -> list[ToolUse]:
    """The question as it stands and its keywords, in every search there is.

    periods: those that the question names; searches that take a period are asked for each, too. In addition to the
    others, not in their place: what happened on a day is also reported later.
    """
    queries = _distinct([question, " ".join(content_words(question))])
    uses = _uses(queries, tools, searches, "first")
    narrowable = [tool for tool in tools if _takes_periods(tool)]
    for number, period in enumerate(periods[:MOST_PERIODS]):
        narrowed = {"after": period.first.isoformat(), "before": period.last.isoformat()}
        uses += [
            replace(use, id=f"period-{number}-{use.id}", arguments={**use.arguments, **narrowed})
            for use in _uses(queries[-1:], narrowable, searches, "first")
        ]
    return uses


def second_round(
    question: str, tools: Sequence[ToolDefinition], searches: Sequence[str] = SEARCHES
) -> list[ToolUse]:
    """Narrower words for a question that found nothing: names and rare words first, then each long word alone."""
    kept = content_words(question)
    special = [word for word in kept if not word.isalpha() or not word.islower()]
    longest = sorted(kept, key=len, reverse=True)
    return _uses(
        _distinct([" ".join(special), " ".join(longest[:2]), *longest[:2]]), tools, searches, "second"
    )


def _uses(
    queries: Sequence[str], tools: Sequence[ToolDefinition], searches: Sequence[str], round_name: str
) -> list[ToolUse]:
    return [
        ToolUse(f"{round_name}-{tool.name}-{number}", tool.name, arguments)
        for tool in tools
        if tool.name.endswith(tuple(searches))
        for number, query in enumerate(queries)
        if (arguments := _arguments(tool, query)) is not None
    ]


def _arguments(tool: ToolDefinition, query: str) -> dict[str, Any] | None:
    """The arguments by the tool's own schema, or None when it needs more than a query."""
    properties = cast(Mapping[str, Mapping[str, Any]], tool.parameters.get("properties", {}))
    name = next((each for each in _QUERY_PARAMETERS if each in properties), None)
    if name is None or set(tool.parameters.get("required", ())) - {name}:
        return None
    arguments: dict[str, Any] = {name: query}
    for limit in _LIMITS:
        if limit in properties:
            arguments[limit] = min(RESULTS, _maximum(properties[limit]))
            break
    return arguments


def _takes_periods(tool: ToolDefinition) -> bool:
    return {"after", "before"} <= set(tool.parameters.get("properties", ()))


def _maximum(schema: Mapping[str, Any]) -> int:
    choices: list[Mapping[str, Any]] = [schema, *schema.get("anyOf", ())]
    return min((int(each["maximum"]) for each in choices if "maximum" in each), default=RESULTS)


def _distinct(queries: Sequence[str]) -> list[str]:
    return list(_each_once(queries))


def _each_once(queries: Sequence[str]) -> Iterator[str]:
    seen: set[str] = set()
    for query in queries:
        query = " ".join(query.split())[:400]
        if query and query.lower() not in seen:
            seen.add(query.lower())
            yield query
