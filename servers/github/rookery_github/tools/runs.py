"""Workflow runs: which jobs and steps failed, and the lines of their logs that say why."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Any

from rookery_core.errors import RookeryError
from rookery_core.serving.arguments import Cursor, MaxTokens
from rookery_github import logs, permalinks
from rookery_github.answers import DEFAULT_TOKENS, Answer, Entry, Position, assemble
from rookery_github.references import Reference
from rookery_github.tools.items import day
from rookery_github.voices import PEOPLE, Voice, login_of
from rookery_github.workspace import Place, Workspace, each_of

_FAILED = frozenset(("failure", "timed_out", "cancelled", "startup_failure"))
LOG = Voice("the job's log", "output")
SHOWN_BEFORE_ERROR = 40


class RunTools:
    """The tool that reads workflow runs."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    async def get_workflow_run(
        self,
        run: str,
        job: str = "",
        grep: str = "",
        tail: int = 0,
        cursor: Cursor = "",
        max_tokens: MaxTokens = DEFAULT_TOKENS,
    ) -> Answer:
        """Why a CI run failed: jobs, failing steps, and the log lines before the error. `run`: URL of a run or job;
        owner/repo or owner/repo@branch lists the latest runs. Other log lines: `job` (name), `grep` (words with |), `tail` (lines)."""
        place, reference = self._workspace.refer(run)
        await self._workspace.trust.admit(place)
        if reference.job and not reference.run:
            found = await place.get_json(f"/actions/jobs/{reference.job}", what=f"job {reference.job}")
            reference = Reference(
                owner=reference.owner, repo=reference.repo, kind="job", run=found["run_id"], job=reference.job
            )
        if not reference.run:
            return await self._latest(place, reference, cursor, max_tokens)
        data = await place.get_json(
            f"/actions/runs/{reference.run}", what=f"run {reference.run} of {place.full_name}"
        )
        actor = {"user": data.get("triggering_actor") or data.get("actor")}
        await self._workspace.trust.check(place, actor, f"run {reference.run}")
        reading = _RunReading(place, data, str(reference.job or job), grep, tail)
        arguments = {
            "run": f"{place.full_name}/{reference.run}",
            "job": str(reference.job or job),
            "grep": grep,
            "tail": tail,
        }
        return await assemble(
            "get_workflow_run", arguments, cursor, max_tokens, reading.entries, reading.head
        )

    async def _latest(self, place: Place, reference: Reference, cursor: str, max_tokens: int) -> Answer:
        parameters = {"branch": reference.ref}
        if reference.number:
            pull = await place.get_json(
                f"/pulls/{reference.number}", what=f"{place.full_name}#{reference.number}"
            )
            parameters = {"head_sha": pull["head"]["sha"]}

        async def entries(start: Position) -> AsyncIterator[Entry]:
            async for at, run in each_of(
                place,
                "/actions/runs",
                start,
                parameters,
                what="the runs",
                per_page=20,
                inside="workflow_runs",
            ):
                if await self._workspace.trust.shows(place, {"user": run.get("actor")}):
                    yield Entry(at=at, body=_run_row(run), voice=PEOPLE, in_row=True)

        where = " ".join(str(value) for value in parameters.values() if value)
        title = f"workflow runs of {place.full_name} {where}".rstrip() + ", newest first"
        return await assemble(
            "get_workflow_run",
            {"repo": place.full_name, **parameters},
            cursor,
            max_tokens,
            entries,
            lambda: title,
        )


def _outcome(item: Mapping[str, Any]) -> str:
    return str(item.get("conclusion") or item.get("status") or "unknown")


def _run_row(run: Mapping[str, Any]) -> str:
    title = " ".join(str(run.get("display_title") or "").split())
    parts = [
        _outcome(run),
        str(run.get("name") or ""),
        title,
        str(run.get("head_branch") or ""),
        day(run.get("created_at")),
    ]
    return f"{run['html_url']} " + " · ".join(part for part in parts if part)


class _RunReading:
    """One run being read: its jobs, then the logs that are asked for or that explain a failure."""

    def __init__(self, place: Place, run: Mapping[str, Any], job: str, grep: str, tail: int) -> None:
        self._place = place
        self._run = run
        self._job = job
        self._grep = grep
        self._tail = max(0, tail)

    def head(self) -> str:
        """Link, outcome, what it ran for."""
        run = self._run
        actor = login_of(run.get("triggering_actor") or run.get("actor"))
        facts = [
            _outcome(run),
            str(run.get("name")),
            f"{run.get('event')} by {actor}",
            f"on {run.get('head_branch')} at {run.get('head_sha')}",
        ]
        facts.append(f"attempt {run.get('run_attempt', 1)}, {run.get('created_at')}")
        return f"{run['html_url']}\n" + "; ".join(facts)

    async def entries(self, start: Position) -> AsyncIterator[Entry]:
        """A line for every job, failed ones first, then logs."""
        listed = each_of(
            self._place, f"/actions/runs/{self._run['id']}/jobs", {}, what="the jobs", inside="jobs"
        )
        jobs = [job async for _at, job in listed]
        jobs.sort(key=lambda job: _outcome(job) not in _FAILED)
        if start.get("s", "jobs") == "jobs":
            for index in range(int(start.get("i", 0)), len(jobs)):
                yield Entry(
                    at={"s": "jobs", "i": index}, body=self._job_row(jobs[index]), voice=PEOPLE, in_row=True
                )
        chosen = self._chosen(jobs)
        first = int(start["i"]) if start.get("s") == "logs" else 0
        texts = [asyncio.create_task(self._log(job)) for job in chosen[first:]]
        for index, text in enumerate(texts, first):
            yield Entry(
                at={"s": "logs", "i": index}, label=self._label(chosen[index]), body=await text, voice=LOG
            )

    def _chosen(self, jobs: list[Any]) -> list[Any]:
        if self._job:
            wanted = self._job.lower()
            return [job for job in jobs if str(job["id"]) == wanted or wanted in job["name"].lower()]
        return [job for job in jobs if _outcome(job) in _FAILED] or (jobs if self._grep or self._tail else [])

    def _job_row(self, job: Mapping[str, Any]) -> str:
        step = logs.failing_step(job)
        failed = f" · failed in step {step['number']}: {step['name']}" if step else ""
        return f"{job['html_url']} {_outcome(job)} · {job['name']}{failed}"

    def _label(self, job: Mapping[str, Any]) -> str:
        step = logs.failing_step(job)
        if self._grep:
            what = f"lines with {self._grep}"
        elif self._tail:
            what = f"last {self._tail} lines"
        else:
            what = f"step {step['number']}, up to the error" if step else "up to the error"
        link = permalinks.run(self._place.web, self._place.full_name, self._run["id"], job["id"])
        return f"{link} log of {job['name']}, {what} (grep, tail show others)"

    async def _log(self, job: Mapping[str, Any]) -> str:
        try:
            fetched = await self._place.get(
                f"/actions/jobs/{job['id']}/logs",
                what=f"the log of {job['name']}",
                immutable=job.get("status") == "completed",
            )
        except RookeryError as error:
            return f"(the log cannot be read: {error})"
        lines = logs.lines_of(fetched.body.decode("utf-8", "replace"))
        if self._grep:
            return logs.as_text(logs.containing(lines, self._grep)) or "(no line has it)"
        if self._tail:
            return logs.as_text(lines[-self._tail :])
        step = logs.failing_step(job)
        return logs.as_text(
            logs.before_errors(logs.of_step(lines, step) if step else lines, SHOWN_BEFORE_ERROR)
        )
