"""Filling the demo's database through the command `rookery-ingest`, as anybody would."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rookery.demo.plan import Plan
from rookery_core.errors import Unavailable


@dataclass(frozen=True, slots=True)
class Imported:
    """What one import said at its end."""

    what: str
    summary: str


async def import_everything(plan: Plan, environment: Mapping[str, str]) -> list[Imported]:
    """Import what the plan names. Both are idempotent: a second demo imports nothing twice."""
    jobs: list[tuple[str, list[str]]] = []
    if plan.slack:
        jobs.append(("Slack", ["slack", "import", str(plan.slack)]))
    if plan.docs:
        jobs.append(("docs", ["docs", "add", "handbook" if plan.sample else "docs", str(plan.docs)]))
    return [await _ingest(what, words, environment) for what, words in jobs]


async def _ingest(what: str, words: Sequence[str], environment: Mapping[str, str]) -> Imported:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "rookery_ingest", *words,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, env={**os.environ, **environment},
    )  # fmt: skip
    try:
        out, problems = await process.communicate()
    except asyncio.CancelledError:
        process.terminate()
        await process.wait()
        raise
    if process.returncode:
        told = (problems or out).decode(errors="replace").strip().splitlines()
        raise Unavailable(
            f"Importing {what} failed: {told[-1] if told else f'exit status {process.returncode}'}",
            hint=f"Try it by itself: rookery-ingest {' '.join(words)}",
        )
    return Imported(what, out.decode(errors="replace").strip())
