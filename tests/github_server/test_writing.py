"""Writes happen once, on what the caller has seen, and only where they are switched on."""

from __future__ import annotations

import json
from typing import Any

import pytest

from asking_github import Asking, Connect
from emulators.github import Emulator, Fault, Repository
from emulators.github.sample import HIDDEN
from rookery_core.settings import CoreSettings


@pytest.fixture
async def write(connect: Connect) -> Asking:
    return await connect(ROOKERY_GITHUB_WRITE="all")


@pytest.fixture
def widgets(emulator: Emulator) -> Repository:
    found = emulator.world.find("acme/widgets")
    assert found is not None
    return found


async def test_a_comment_is_id_and_url(write: Asking, widgets: Repository) -> None:
    body = "Fixed with `Vec<T>`.\n\n<!-- kept -->"
    reply = await write("add_comment", issue="acme/widgets#1", body=body)
    made = widgets.comments[1][-1]
    assert reply.structured == {"id": made["id"], "url": made["html_url"]}
    assert made["body"] == body


async def test_a_preview_writes_nothing(write: Asking, emulator: Emulator) -> None:
    reply = await write("create_issue", repo="acme/widgets", title="New", labels=["bug"], dry_run=True)
    assert reply.structured == {
        "preview": {
            "request": "POST /repos/acme/widgets/issues",
            "body": {"title": "New", "body": "", "labels": ["bug"]},
        }
    }
    assert not emulator.asked("POST")


async def test_the_same_key_writes_once(write: Asking, widgets: Repository) -> None:
    first = await write("create_issue", repo="acme/widgets", title="New", idempotency_key="k1")
    again = await write("create_issue", repo="acme/widgets", title="New", idempotency_key="k1")
    assert again.structured == {**first.structured, "repeated": True}
    other = await write("create_issue", repo="acme/widgets", title="Other", idempotency_key="k1")
    assert "idempotency_key" in other.text
    assert sum(issue["title"] == "New" for issue in widgets.issues.values()) == 1
    await write("create_issue", repo="acme/widgets", title="New", idempotency_key="k2")
    assert sum(issue["title"] == "New" for issue in widgets.issues.values()) == 2


@pytest.mark.parametrize("fault", [Fault(kind="drop", method="POST"), Fault(kind="cut", method="POST")])
async def test_a_write_whose_answer_was_lost_is_looked_for_not_repeated(
    write: Asking, widgets: Repository, emulator: Emulator, fault: Fault
) -> None:
    emulator.fail(Fault(kind=fault.kind, method="POST"))
    reply = await write("add_comment", issue="acme/widgets#1", body="once")
    assert reply.structured["id"] == widgets.comments[1][-1]["id"]
    assert sum(comment["body"] == "once" for comment in widgets.comments[1]) == 1
    assert emulator.asked("POST") == 1


async def test_a_write_that_failed_is_not_repeated_blindly(
    write: Asking, widgets: Repository, emulator: Emulator
) -> None:
    emulator.fail(Fault(status=502, method="POST"))
    reply = await write("add_comment", issue="acme/widgets#1", body="once", idempotency_key="k")
    assert json.loads(reply.text)["code"] == "write_in_doubt"
    assert emulator.asked("POST") == 1
    again = await write("add_comment", issue="acme/widgets#1", body="once", idempotency_key="k")
    assert again.structured["id"] == widgets.comments[1][-1]["id"]
    assert sum(comment["body"] == "once" for comment in widgets.comments[1]) == 1


async def test_a_refused_write_frees_its_key(write: Asking, emulator: Emulator) -> None:
    emulator.fail(Fault(status=422, method="POST"))
    assert (await write("create_issue", repo="acme/widgets", title="New", idempotency_key="k")).is_error
    assert not (await write("create_issue", repo="acme/widgets", title="New", idempotency_key="k")).is_error


async def test_keys_outlive_the_process(
    connect: Connect, settings: CoreSettings, widgets: Repository
) -> None:
    assert settings.database_url
    variables = {
        "DATABASE_URL": settings.database_url.get_secret_value(),
        "ROOKERY_GITHUB_CACHE": "database",
        "ROOKERY_GITHUB_WRITE": "all",
    }
    first = await (await connect(**variables))(
        "add_comment", issue="acme/widgets#1", body="once", idempotency_key="k"
    )
    again = await (await connect(**variables))(
        "add_comment", issue="acme/widgets#1", body="once", idempotency_key="k"
    )
    assert again.structured == {**first.structured, "repeated": True}
    assert sum(comment["body"] == "once" for comment in widgets.comments[1]) == 1


async def test_an_issue_is_changed_only_as_it_was_read(write: Asking, widgets: Repository) -> None:
    seen = widgets.issues[1]["updated_at"]
    reply = await write(
        "update_issue",
        issue="acme/widgets#1",
        expected_updated_at=seen,
        state="closed",
        state_reason="not_planned",
        labels=["wontfix"],
    )
    assert reply.structured["url"] == "https://github.com/acme/widgets/issues/1"
    assert (widgets.issues[1]["state"], [label["name"] for label in widgets.issues[1]["labels"]]) == (
        "closed",
        ["wontfix"],
    )
    assert widgets.issues[1]["title"].startswith("Exporter stalls")
    late = await write("update_issue", issue="acme/widgets#1", expected_updated_at=seen, title="Mine")
    assert json.loads(late.text)["code"] == "conflict"


async def test_what_is_read_and_written_back_is_unchanged(write: Asking, widgets: Repository) -> None:
    """Nothing between angle brackets, in fences or invisible may be lost on the way to a model and back."""
    widgets.issues[1]["body"] = HIDDEN
    reply = await write("get_issue", issue="acme/widgets#1", comments="none")
    body = reply.text.partition(f"# {widgets.issues[1]['title']}\n")[2].rpartition("\n</untrusted ")[0]
    await write(
        "update_issue", issue="acme/widgets#1", expected_updated_at=widgets.issues[1]["updated_at"], body=body
    )
    assert widgets.issues[1]["body"] == HIDDEN


async def test_what_was_written_is_what_is_read_next(write: Asking) -> None:
    await write("get_issue", issue="acme/widgets#1")
    await write("add_comment", issue="acme/widgets#1", body="a brand new remark")
    assert "a brand new remark" in (await write("get_issue", issue="acme/widgets#1")).text


async def test_pull_requests_reviews_and_replies(write: Asking, widgets: Repository) -> None:
    head = widgets.branches["fix/exporter"]
    pull = await write(
        "create_pull_request",
        repo="acme/widgets",
        title="Again",
        head="fix/exporter",
        base="v1",
        expected_head="0" * 40,
    )
    assert json.loads(pull.text)["code"] == "conflict"
    review = await write("submit_review", pull="acme/widgets#5", event="APPROVE", expected_head=head)
    assert review.structured["url"].endswith(f"#pullrequestreview-{review.structured['id']}")
    stale = await write("submit_review", pull="acme/widgets#5", event="APPROVE", expected_head="0" * 40)
    assert json.loads(stale.text)["code"] == "conflict"
    reply = await write(
        "reply_to_review", comment="https://github.com/acme/widgets/pull/5#discussion_r701", body="Done."
    )
    assert widgets.review_comments[5][-1]["in_reply_to_id"] == 701
    assert reply.structured["id"] == widgets.review_comments[5][-1]["id"]


async def test_a_pull_request_is_opened_once(write: Asking, widgets: Repository, emulator: Emulator) -> None:
    widgets.branches["topic"] = widgets.branches["main"]
    emulator.fail(Fault(kind="drop", method="POST"))
    reply = await write("create_pull_request", repo="acme/widgets", title="Topic", head="topic", base="main")
    assert reply.structured["url"].startswith("https://github.com/acme/widgets/pull/")
    assert sum(pull["title"] == "Topic" for pull in widgets.pulls.values()) == 1


async def test_nothing_writes_unless_it_is_switched_on(ask: Asking, connect: Connect) -> None:
    names = {tool.name for tool in await ask.client.list_tools()}
    assert "add_comment" not in names
    only = await connect(ROOKERY_GITHUB_WRITE="add_comment")
    tools: dict[str, Any] = {tool.name: tool for tool in await only.client.list_tools()}
    assert tools["add_comment"].annotations.read_only_hint is False
    assert "create_issue" not in tools


async def test_over_http_a_token_needs_the_scope(connect: Connect) -> None:
    ask = await connect(ROOKERY_GITHUB_WRITE="all", ROOKERY_HTTP_TOKENS="[]")
    error = json.loads((await ask("add_comment", issue="acme/widgets#1", body="x")).text)
    assert error["code"] == "not_allowed"
    assert "'write'" in error["hint"]
