"""Whether a commit passes: check runs and the older statuses together."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from rookery_core.errors import NotAllowed, NotFound
from rookery_github.answers import Entry
from rookery_github.tools.items import inner
from rookery_github.voices import PEOPLE
from rookery_github.workspace import Place, each_of

_BAD = frozenset(("failure", "error", "timed_out", "cancelled", "action_required", "startup_failure"))
_FINE = frozenset(("success", "neutral", "skipped"))


@dataclass(frozen=True, slots=True)
class Check:
    """One check: its name, its outcome, where to read more."""

    name: str
    outcome: str
    link: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Checks:
    """All checks of a commit, those that failed first."""

    sha: str
    all: list[Check]

    def summary(self) -> str:
        """How many passed, and the names of those that did not."""
        if not self.all:
            return "checks: none"
        bad = [check.name for check in self.all if check.outcome in _BAD]
        waiting = [check.name for check in self.all if check.outcome not in _BAD | _FINE]
        parts = [f"{len(self.all) - len(bad) - len(waiting)} passed"]
        if bad:
            parts.append(f"{len(bad)} failed ({', '.join(bad[:5])}{', …' if len(bad) > 5 else ''})")
        if waiting:
            parts.append(f"{len(waiting)} unfinished")
        return "checks: " + ", ".join(parts)


async def read_checks(place: Place, sha: str) -> Checks:
    """The checks of a commit. A token that may read only one of the two kinds gets that one."""
    runs, statuses = await asyncio.gather(_runs(place, sha), _statuses(place, sha))
    found = [*runs, *statuses]
    found.sort(key=lambda check: (check.outcome not in _BAD, check.outcome in _FINE, check.name))
    return Checks(sha, found)


async def _runs(place: Place, sha: str) -> list[Check]:
    found: list[Check] = []
    try:
        async for _at, run in each_of(
            place, f"/commits/{sha}/check-runs", {}, what="the checks", inside="check_runs"
        ):
            found.append(_of_run(run))
    except (NotFound, NotAllowed):
        return []
    return found


def _of_run(run: Mapping[str, Any]) -> Check:
    title = inner(run, "output").get("title") or ""
    outcome = run.get("conclusion") or run.get("status") or "unknown"
    return Check(
        str(run.get("name")),
        str(outcome),
        str(run.get("html_url") or run.get("details_url") or ""),
        str(title),
    )


async def _statuses(place: Place, sha: str) -> list[Check]:
    try:
        combined = await place.get_json(f"/commits/{sha}/status", {"per_page": 100}, what="the statuses")
    except (NotFound, NotAllowed):
        return []
    return [
        Check(
            str(one.get("context")),
            str(one.get("state")),
            str(one.get("target_url") or ""),
            str(one.get("description") or ""),
        )
        for one in combined.get("statuses") or ()
    ]


def check_entries(checks: Checks, first: int) -> Iterator[Entry]:
    """Checks in one line each. Position key: `c`."""
    if not checks.all:
        yield Entry(at={"c": 0}, label=f"no checks at {checks.sha}")
    for index in range(first, len(checks.all)):
        check = checks.all[index]
        note = f" · {check.note}" if check.note else ""
        yield Entry(
            at={"c": index},
            body=f"{check.outcome} · {check.name}{note} {check.link}".rstrip(),
            voice=PEOPLE,
            in_row=True,
        )
