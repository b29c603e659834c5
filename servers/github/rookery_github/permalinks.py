"""Links that stay right: a file or a line at a commit, an item by number, a comment by its anchor."""

from __future__ import annotations

from urllib.parse import quote


def repository(web: str, full_name: str) -> str:
    """The page of a repository. `web` is the host's address without a slash at its end."""
    return f"{web}/{quote(full_name)}"


def blob(web: str, full_name: str, sha: str, path: str, lines: tuple[int, int] | None = None) -> str:
    """A file at a commit, and the lines in it (first and last, from 1)."""
    anchor = "" if lines is None else f"#L{lines[0]}" + (f"-L{lines[1]}" if lines[1] > lines[0] else "")
    # Without plain=1 GitHub renders Markdown and ignores line anchors.
    plain = "?plain=1" if anchor and path.lower().endswith((".md", ".markdown", ".rst", ".adoc")) else ""
    return f"{repository(web, full_name)}/blob/{quote(sha, safe='')}/{quote(path)}{plain}{anchor}"


def tree(web: str, full_name: str, sha: str, path: str = "") -> str:
    """A folder at a commit."""
    return f"{repository(web, full_name)}/tree/{quote(sha, safe='')}" + (f"/{quote(path)}" if path else "")


def commit(web: str, full_name: str, sha: str) -> str:
    """A commit's page."""
    return f"{repository(web, full_name)}/commit/{sha}"


def issue(web: str, full_name: str, number: int, *, pull: bool = False) -> str:
    """The page of an issue or of a pull request."""
    return f"{repository(web, full_name)}/{'pull' if pull else 'issues'}/{number}"


def run(
    web: str, full_name: str, run_id: int, job_id: int | None = None, step: tuple[int, int] | None = None
) -> str:
    """A workflow run, a job of it, or a line of a step of that job."""
    link = f"{repository(web, full_name)}/actions/runs/{run_id}"
    if job_id is not None:
        link += f"/job/{job_id}"
        if step is not None:
            link += f"#step:{step[0]}:{step[1]}"
    return link
