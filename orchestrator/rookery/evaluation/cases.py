"""The questions of an evaluation: one JSON object a line.

    {"question": "How long are raw readings kept?", "facts": ["13 months"], "citations": ["data-retention"]}

facts: each must occur in the answer (case and white space do not matter; several spellings are a list). citations: each
must occur in a cited link. absent: none may occur. id: a name for the report (default: the line's number).
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from rookery.agent import Agent, Answer, Question
from rookery_core.errors import InvalidInput, RookeryError
from rookery_core.identity import Caller

_KEYS = {"id", "question", "facts", "citations", "absent"}


@dataclass(frozen=True, slots=True)
class Case:
    """A question and what its answer must hold. Each fact is a tuple of spellings of which one suffices."""

    id: str
    question: str
    facts: tuple[tuple[str, ...], ...] = ()
    citations: tuple[tuple[str, ...], ...] = ()
    absent: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Verdict:
    """missing: what the answer lacks, in words. error: why there is no answer."""

    case: Case
    answer: Answer | None
    missing: tuple[str, ...]
    error: str | None = None

    @property
    def passed(self) -> bool:
        return not self.missing and self.error is None


def read_cases(path: Path) -> list[Case]:
    """The cases of a file, at least one. Raises InvalidInput that names the line and the field."""
    try:
        lines = path.read_text(encoding="utf-8-sig").split("\n")
    except OSError as error:
        raise InvalidInput(f"Cannot read {path}: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise InvalidInput(f"{path} is not text in UTF-8.", hint="Save it as UTF-8.") from None
    cases = [_case(line, number, path) for number, line in enumerate(lines, 1) if line.strip()]
    if not cases:
        raise InvalidInput(
            f"{path} holds no question.", hint='Write one JSON object a line: {"question": "…"}.'
        )
    return cases


def judge(case: Case, answer: Answer) -> Verdict:
    """Compare an answer with what it must hold."""
    text = _plain(answer.markdown)
    links = [one.permalink.lower() for one in answer.citations]
    missing = [
        f"fact {spellings[0]!r}"
        for spellings in case.facts
        if not any(_plain(one) in text for one in spellings)
    ]
    missing += [
        f"citation {spellings[0]!r}"
        for spellings in case.citations
        if not any(one.lower() in link for one in spellings for link in links)
    ]
    missing += [f"must not say {one!r}" for one in case.absent if _plain(one) in text]
    return Verdict(case, answer, tuple(missing))


def _case(line: str, number: int, path: Path) -> Case:
    where = f"{path}, line {number}"
    try:
        raw: Any = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise InvalidInput(f"{where} is not JSON: {error}.") from None
    if not isinstance(raw, dict):
        raise InvalidInput(f"{where} is not a JSON object.", hint='Write {"question": "…"} on one line.')
    told = cast(dict[str, Any], raw)
    if not isinstance(told.get("question"), str) or not told["question"].strip():
        raise InvalidInput(f"{where}: 'question' is missing, empty or not a text.")
    if unknown := sorted(told.keys() - _KEYS):
        raise InvalidInput(f"{where}: unknown key {unknown[0]!r}.", candidates=sorted(_KEYS))
    return Case(
        id=str(told.get("id", number)),
        question=told["question"],
        facts=_spellings(told, "facts", where),
        citations=_spellings(told, "citations", where),
        absent=tuple(one for spellings in _spellings(told, "absent", where) for one in spellings),
    )


def _spellings(told: Mapping[str, Any], field: str, where: str) -> tuple[tuple[str, ...], ...]:
    value: Any = told.get(field, [])
    wrong = InvalidInput(
        f"{where}: {field!r} is not a list of texts, or of lists of texts.",
        hint=f'Write "{field}": ["one", ["another", "its other spelling"]].',
    )
    if not isinstance(value, list):
        raise wrong
    found: list[tuple[str, ...]] = []
    for one in cast(list[Any], value):
        each: list[Any] = cast(list[Any], one) if isinstance(one, list) else [one]
        if not each or not all(isinstance(spelling, str) and spelling.strip() for spelling in each):
            raise wrong
        found.append(tuple(each))
    return tuple(found)


def _plain(text: str) -> str:
    return " ".join(text.lower().replace("*", "").replace("`", "").replace(">", " ").split())


async def ask_all(
    agent: Agent, cases: Sequence[Case], caller: Caller, *, at_once: int, told: Callable[[Verdict], None]
) -> list[Verdict]:
    """The verdicts in the order of the cases; `told` hears each as it comes."""
    gate = asyncio.Semaphore(at_once)

    async def one(case: Case) -> Verdict:
        async with gate:
            try:
                verdict = judge(case, await agent.answer(Question(text=case.question, caller=caller)))
            except RookeryError as error:
                verdict = Verdict(case, None, (), str(error))
            told(verdict)
            return verdict

    return list(await asyncio.gather(*(one(case) for case in cases)))
