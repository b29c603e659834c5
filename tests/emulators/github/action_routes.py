"""Workflow runs, their jobs, and logs (which live on another address, as GitHub's do)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import PlainTextResponse, RedirectResponse, Response

from emulators.github.answers import Refused, whole
from emulators.github.world import Json

if TYPE_CHECKING:
    from emulators.github.application import Asked


def runs(asked: Asked, owner: str, repo: str) -> Response:
    """Runs, newest first."""
    query = asked.request.query_params
    chosen = list(asked.repository(owner, repo).runs.values())
    for name, key in (("branch", "head_branch"), ("head_sha", "head_sha"), ("event", "event")):
        if query.get(name):
            chosen = [run for run in chosen if run[key] == query[name]]
    if query.get("status"):
        chosen = [run for run in chosen if query["status"] in (run["status"], run["conclusion"])]
    chosen.sort(key=lambda run: run["id"], reverse=True)
    size = int(query.get("per_page", "30"))
    page = int(query.get("page", "1"))
    return whole(
        asked.request, {"total_count": len(chosen), "workflow_runs": chosen[(page - 1) * size : page * size]}
    )


def run(asked: Asked, owner: str, repo: str, run: int) -> Response:
    """One run."""
    found = asked.repository(owner, repo).runs.get(run)
    if found is None:
        raise Refused(404, "Not Found")
    return whole(asked.request, found)


def jobs(asked: Asked, owner: str, repo: str, run: int) -> Response:
    """The jobs of a run with their steps."""
    held = asked.repository(owner, repo).jobs.get(run, [])
    return whole(asked.request, {"total_count": len(held), "jobs": held})


def job(asked: Asked, owner: str, repo: str, job: int) -> Response:
    """One job."""
    for held in asked.repository(owner, repo).jobs.values():
        for one in held:
            if one["id"] == job:
                return whole(asked.request, one)
    raise Refused(404, "Not Found")


def logs(asked: Asked, owner: str, repo: str, job: int) -> Response:
    """Where the log of a job is: an address that wants no token and knows none."""
    if job not in asked.repository(owner, repo).logs:
        raise Refused(404, "Not Found")
    if asked.viewer is None:
        raise Refused(403, "Must have admin rights to Repository.")
    storage = asked.request.url.replace(
        hostname="localhost", path=f"/storage/{owner}/{repo}/{job}.txt", query="sig=1"
    )
    return RedirectResponse(str(storage), 302)


def stored_log(asked: Asked, owner: str, repo: str, job: int) -> Response:
    """The log itself."""
    if asked.request.headers.get("authorization"):
        raise Refused(400, "a token was sent to the storage")
    repository = asked.world.find(f"{owner}/{repo}")
    body: Json | None = None if repository is None else {"log": repository.logs[job]}
    return PlainTextResponse(body["log"] if body else "", 200 if body else 404)


ROUTES = [
    ("GET", "/repos/{owner}/{repo}/actions/runs", runs),
    ("GET", "/repos/{owner}/{repo}/actions/runs/{run:d}", run),
    ("GET", "/repos/{owner}/{repo}/actions/runs/{run:d}/jobs", jobs),
    ("GET", "/repos/{owner}/{repo}/actions/jobs/{job:d}", job),
    ("GET", "/repos/{owner}/{repo}/actions/jobs/{job:d}/logs", logs),
    ("GET", "/storage/{owner}/{repo}/{job:d}.txt", stored_log),
]
