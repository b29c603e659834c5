"""Real exchanges with GitHub, of many years, through the server's reading of them.

By hand: ROOKERY_TEST_GITHUB_REPLAY=/path/to/pygithub-replay.jsonl.gz names recorded exchanges, one JSON object a line
(method, path, status, headers, body); ROOKERY_TEST_GITHUB_WEBHOOKS=/path/to/webhooks.tar.gz payloads of webhooks.
"""

from __future__ import annotations

import gzip
import json
import os
import re
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from rookery_core.errors import RookeryError
from rookery_github.diffs import hunks
from rookery_github.exchange import Response
from rookery_github.failures import refusal
from rookery_github.limits import Limits, asked_wait_s
from rookery_github.references import parse
from rookery_github.tools.changes import commit_row, file_row
from rookery_github.tools.issues import comment_entry
from rookery_github.tools.items import heading, row
from rookery_github.tools.reviews import threads_of, verdicts
from rookery_github.voices import voice_of
from rookery_ingest.github import deliveries

REPLAY = os.environ.get("ROOKERY_TEST_GITHUB_REPLAY")
WEBHOOKS = os.environ.get("ROOKERY_TEST_GITHUB_WEBHOOKS")
replayed = pytest.mark.skipif(not REPLAY, reason="ROOKERY_TEST_GITHUB_REPLAY names no recorded exchanges")
delivered = pytest.mark.skipif(not WEBHOOKS, reason="ROOKERY_TEST_GITHUB_WEBHOOKS names no payloads")


def exchanges() -> Iterator[dict[str, Any]]:
    with gzip.open(Path(REPLAY or ""), "rt", encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)


def read_issue(item: Any) -> None:
    assert item["html_url"] in row(item)
    assert item["html_url"] in heading(item, "o/r")
    assert parse(item["html_url"]).number == item["number"]


def read_comment(item: Any) -> None:
    entry = comment_entry({}, item, 100)
    assert entry.voice == voice_of(item)
    assert item["html_url"] in entry.label


def read_commit(item: Any) -> None:
    assert item["html_url"] in commit_row(item)


def read_file(item: Any) -> None:
    assert item["filename"] in file_row(item)
    assert "\n".join(hunk.text for hunk in hunks(item.get("patch") or "")) == (item.get("patch") or "")


def items_of(body: Any) -> list[dict[str, Any]]:
    """The items of a list, of a search, or the one that is answered alone."""
    if isinstance(body, list):
        return cast("list[dict[str, Any]]", body)
    return cast("list[dict[str, Any]]", body.get("items", [body]))


def message_of(body: Any) -> str:
    """What a refusal says."""
    return str(body.get("message")) if isinstance(body, dict) else ""  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType]


READERS: list[tuple[str, Callable[[Any], None]]] = [
    (r"/repos/[^/]+/[^/]+/(issues|pulls)(/\d+)?", read_issue),
    (r"/search/issues", read_issue),
    (r"/repos/[^/]+/[^/]+/issues/(\d+/)?comments(/\d+)?", read_comment),
    (r"/repos/[^/]+/[^/]+/pulls/(\d+/)?comments(/\d+)?", read_comment),
    (r"/repos/[^/]+/[^/]+/pulls/\d+/files", read_file),
    (r"/repos/[^/]+/[^/]+/(pulls/\d+/)?commits(/[0-9a-f]{40})?", read_commit),
    (r"/search/commits", read_commit),
]


@replayed
def test_recorded_answers_are_read() -> None:
    read = 0
    for exchange in exchanges():
        reader = next(
            (
                one
                for pattern, one in READERS
                if re.fullmatch(pattern, exchange["path"].removeprefix("/api/v3"))
            ),
            None,
        )
        if reader is None or exchange["status"] != 200 or exchange["method"] != "GET":
            continue
        for item in items_of(exchange["body"]):
            if item and (
                "html_url" in item or "filename" in item
            ):  # what was recorded in 2012 had no links yet
                reader(item)
                read += 1
    assert read > 100


@replayed
def test_recorded_reviews_and_threads_are_read() -> None:
    for exchange in exchanges():
        if (
            re.fullmatch(r"/repos/[^/]+/[^/]+/pulls/\d+/reviews", exchange["path"])
            and exchange["method"] == "GET"
            and exchange["status"] == 200
        ):
            assert verdicts({"user": None}, exchange["body"]).startswith("reviews: ")
        if re.fullmatch(r"/repos/[^/]+/[^/]+/pulls/\d+/comments", exchange["path"]) and isinstance(
            exchange["body"], list
        ):
            comments = items_of(exchange["body"])
            threads = threads_of(comments)
            assert sum(len(thread) for thread in threads) == len(comments)


@replayed
def test_recorded_refusals_are_understood() -> None:
    seen: dict[int, int] = {}
    for exchange in exchanges():
        if exchange["status"] < 400:
            continue
        headers = {name.lower(): value for name, value in exchange["headers"].items()}
        response = Response(exchange["status"], headers, json.dumps(exchange["body"]).encode())
        limited = asked_wait_s(response.status, headers, message_of(exchange["body"]), 0.0)
        error = refusal(response, "it", anonymous=False)
        assert isinstance(error, RookeryError)
        assert error.message.strip()
        if "rate limit" in json.dumps(exchange["body"]).lower() and exchange["status"] in (403, 429):
            assert limited is not None
        seen[exchange["status"]] = seen.get(exchange["status"], 0) + 1
    assert {403, 404, 422} <= set(seen)


@replayed
def test_recorded_limits_are_learnt() -> None:
    limits = Limits()
    for exchange in exchanges():
        limits.learn({name.lower(): value for name, value in exchange["headers"].items()})
    assert "core" in limits.budgets


@delivered
def test_recorded_deliveries_are_read() -> None:
    events: set[str] = set()
    with tarfile.open(Path(WEBHOOKS or "")) as archive:
        for member in archive.getmembers():
            if not member.isfile() or (
                not member.name.endswith(".payload.json") and not member.name.endswith("/payload.json")
            ):
                continue
            opened = archive.extractfile(member)
            assert opened is not None
            body = opened.read()
            event = member.name.split("/")[-2]
            headers = {
                "X-GitHub-Event": event,
                "X-GitHub-Delivery": "11111111",
                "Content-Type": "application/json",
            }
            delivery = deliveries.read(headers, body)
            payload: dict[str, Any] = json.loads(body)
            events.add(event)
            assert delivery.as_event()["payload"] == payload
            assert delivery.repository == payload.get("repository", {}).get("full_name")
            if event in ("issues", "issue_comment", "pull_request", "pull_request_review"):
                assert delivery.number is not None
    assert len(events) > 20
