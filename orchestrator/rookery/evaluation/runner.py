"""Asking the questions of an evaluation."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from rookery.agent import Agent, Question
from rookery.evaluation.cases import Case, Verdict, judge
from rookery_core.errors import RookeryError
from rookery_core.identity import Caller


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
