"""Whether the emulator answers in GitHub's own shapes, by GitHub's description of its API.

By hand: ROOKERY_TEST_GITHUB_OPENAPI=/path/to/api.github.com.json.gz (the OpenAPI description, gzipped or not).
"""

from __future__ import annotations

import gzip
import json
import os
import urllib.request
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from emulators.github import Emulator
from emulators.github.sample import TOKEN

NAMED = os.environ.get("ROOKERY_TEST_GITHUB_OPENAPI")
pytestmark = pytest.mark.skipif(
    not NAMED, reason="ROOKERY_TEST_GITHUB_OPENAPI names no description of the API"
)
REPO = "/repos/{owner}/{repo}"
SHA = "main"


@cache
def description() -> Any:
    data = Path(NAMED or "").read_bytes()
    return _nullable(json.loads(gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data))


def _nullable(value: Any) -> Any:
    """OpenAPI 3.0 says `nullable`; JSON Schema lists the type null."""
    if isinstance(value, list):
        return [_nullable(one) for one in value]  # pyright: ignore[reportUnknownVariableType]
    if not isinstance(value, dict):
        return value
    fixed: dict[str, Any] = {key: _nullable(one) for key, one in value.items()}  # pyright: ignore[reportUnknownVariableType]
    if fixed.pop("nullable", False):
        return {"anyOf": [fixed, {"type": "null"}]}
    return fixed


def fetch(emulator: Emulator, path: str, *, method: str = "GET", body: Any = None) -> Any:
    headers = {"Authorization": f"token {TOKEN}"}
    request = urllib.request.Request(
        emulator.url + path, json.dumps(body).encode() if body else None, headers, method=method
    )
    with urllib.request.urlopen(request) as answer:
        return answer.status, json.loads(answer.read())


@pytest.mark.parametrize(
    ("template", "path"),
    [
        ("/user", "/user"),
        ("/users/{username}", "/users/ana"),
        ("/orgs/{org}/members", "/orgs/acme/members"),
        (REPO, ""),
        (f"{REPO}/issues", "/issues?state=all"),
        (f"{REPO}/issues/{{issue_number}}", "/issues/1"),
        (f"{REPO}/issues/{{issue_number}}", "/issues/5"),
        (f"{REPO}/issues/{{issue_number}}/comments", "/issues/1/comments"),
        (f"{REPO}/issues/comments/{{comment_id}}", "/issues/comments/5001"),
        (f"{REPO}/pulls", "/pulls?state=all"),
        (f"{REPO}/pulls/{{pull_number}}", "/pulls/5"),
        (f"{REPO}/pulls/{{pull_number}}", "/pulls/4"),
        (f"{REPO}/pulls/{{pull_number}}/reviews", "/pulls/5/reviews"),
        (f"{REPO}/pulls/{{pull_number}}/comments", "/pulls/5/comments"),
        (f"{REPO}/pulls/comments/{{comment_id}}", "/pulls/comments/702"),
        (f"{REPO}/pulls/{{pull_number}}/commits", "/pulls/5/commits"),
        (f"{REPO}/pulls/{{pull_number}}/files", "/pulls/5/files"),
        (f"{REPO}/commits", "/commits"),
        (f"{REPO}/commits/{{ref}}", f"/commits/{SHA}"),
        (f"{REPO}/commits/{{ref}}/check-runs", "/commits/fix%2Fexporter/check-runs"),
        (f"{REPO}/commits/{{ref}}/status", f"/commits/{SHA}/status"),
        (f"{REPO}/compare/{{basehead}}", "/compare/v1.0.0...main"),
        (f"{REPO}/contents/{{path}}", "/contents/README.md"),
        (f"{REPO}/contents/{{path}}", "/contents/widgets"),
        (f"{REPO}/git/trees/{{tree_sha}}", f"/git/trees/{SHA}?recursive=1"),
        (f"{REPO}/releases", "/releases"),
        (f"{REPO}/releases/tags/{{tag}}", "/releases/tags/v1.0.0"),
        (f"{REPO}/actions/runs", "/actions/runs"),
        (f"{REPO}/actions/runs/{{run_id}}", "/actions/runs/9001"),
        (f"{REPO}/actions/runs/{{run_id}}/jobs", "/actions/runs/9001/jobs"),
        (f"{REPO}/actions/jobs/{{job_id}}", "/actions/jobs/9101"),
        (f"{REPO}/collaborators/{{username}}/permission", "/collaborators/ben/permission"),
        ("/search/issues", "/search/issues?q=exporter"),
        ("/search/code", "/search/code?q=gauge"),
        ("/search/commits", "/search/commits?q=gauge"),
        ("/search/repositories", "/search/repositories?q=widgets"),
        ("/search/users", "/search/users?q=ana"),
    ],
)
def test_answers_have_githubs_shape(emulator: Emulator, template: str, path: str) -> None:
    whole = path if not template.startswith(REPO) else f"/repos/acme/widgets{path}"
    _status, answer = fetch(emulator, whole)
    check(template, "get", "200", answer)


@pytest.mark.parametrize(
    ("template", "path", "method", "body"),
    [
        (f"{REPO}/issues", "/issues", "post", {"title": "New"}),
        (f"{REPO}/issues/{{issue_number}}", "/issues/1", "patch", {"state": "closed"}),
        (f"{REPO}/issues/{{issue_number}}/comments", "/issues/1/comments", "post", {"body": "x"}),
        (f"{REPO}/pulls", "/pulls", "post", {"title": "x", "head": "main", "base": "fix/exporter"}),
        (f"{REPO}/pulls/{{pull_number}}/reviews", "/pulls/5/reviews", "post", {"event": "APPROVE"}),
        (
            f"{REPO}/pulls/{{pull_number}}/comments/{{comment_id}}/replies",
            "/pulls/5/comments/701/replies",
            "post",
            {"body": "x"},
        ),
    ],
)
def test_what_is_written_has_githubs_shape(
    emulator: Emulator, template: str, path: str, method: str, body: Any
) -> None:
    status, answer = fetch(emulator, f"/repos/acme/widgets{path}", method=method.upper(), body=body)
    check(template, method, str(status), answer)


def check(template: str, method: str, status: str, answer: Any) -> None:
    from jsonschema import Draft4Validator

    responses = description()["paths"][template][method]["responses"]
    schema = responses[status]["content"]["application/json"]["schema"]
    validator = Draft4Validator(
        {**schema, "components": description()["components"]} if "$ref" not in schema else _with_root(schema)
    )
    errors: list[Any] = list(validator.iter_errors(answer))  # pyright: ignore[reportUnknownMemberType] typed in part
    problems = [f"{'/'.join(map(str, error.absolute_path))}: {error.message[:160]}" for error in errors]
    assert problems == []


def _with_root(schema: Any) -> Any:
    return {"allOf": [schema], "components": description()["components"]}
