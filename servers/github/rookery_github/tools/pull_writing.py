"""Writing pull requests and reviews. Off unless ROOKERY_GITHUB_WRITE names the tool."""

from __future__ import annotations

from typing import Any, Literal

from rookery_core.errors import InvalidInput
from rookery_github.tools.issue_writing import Text, Title, fresh
from rookery_github.workspace import Workspace
from rookery_github.writer import Write, Writer, Written, check_unchanged, instant, same_text

_STATES = {"APPROVE": "APPROVED", "REQUEST_CHANGES": "CHANGES_REQUESTED", "COMMENT": "COMMENTED"}


class PullWriting:
    """Tools that write pull requests and reviews."""

    def __init__(self, workspace: Workspace, writer: Writer) -> None:
        self._workspace = workspace
        self._writer = writer

    async def reply_to_review(
        self,
        comment: str,
        body: Text,
        expected_head: str = "",
        idempotency_key: str = "",
        dry_run: bool = False,
    ) -> Written:
        """Answer an inline review comment. `comment`: its link (…/pull/12#discussion_r345). With expected_head it fails
        when the pull request has other commits by now. dry_run shows what would be sent."""
        self._writer.admit()
        place, reference = self._workspace.refer(comment, number=True)
        if not reference.comment or reference.comment[0] != "review_comment":
            raise InvalidInput(
                "comment: not the link of an inline review comment.",
                hint="It ends in #discussion_r and digits.",
            )
        rest, ident = f"/pulls/{reference.number}", reference.comment[1]
        pull = await fresh(place, rest)
        check_unchanged("expected_head", expected_head, pull["head"]["sha"], pull["html_url"])

        async def find(since: float) -> dict[str, Any] | None:
            comments = await fresh(place, f"{rest}/comments", {"since": instant(since), "per_page": 100})
            return next(
                (
                    one
                    for one in reversed(comments)
                    if one.get("in_reply_to_id") == ident and same_text(one["body"], body)
                ),
                None,
            )

        write = Write(
            "reply_to_review",
            place,
            "POST",
            f"{rest}/comments/{ident}/replies",
            {"body": body},
            f"a reply on {pull['html_url']}",
            find,
        )
        return await self._writer.perform(write, idempotency_key, dry_run=dry_run)

    async def create_pull_request(
        self,
        title: Title,
        head: str,
        base: str,
        body: str = "",
        repo: str = "",
        draft: bool = False,
        expected_head: str = "",
        idempotency_key: str = "",
        dry_run: bool = False,
    ) -> Written:
        """Open a pull request from branch `head` (or user:branch) into `base`. With expected_head it fails when the
        branch is at another SHA. The same idempotency_key never opens two; dry_run shows what would be sent."""
        self._writer.admit()
        place = self._workspace.repository(repo)
        owner, _, branch = head.rpartition(":")
        if expected_head:
            found = await fresh(place, f"/commits/{branch}")
            check_unchanged("expected_head", expected_head, found["sha"], head)
        label = f"{owner or place.full_name.partition('/')[0]}:{branch}"

        async def find(_since: float) -> dict[str, Any] | None:
            pulls = await fresh(place, "/pulls", {"head": label, "base": base, "state": "open"})
            return next((one for one in pulls if one["title"] == title), None)

        sent = {"title": title, "head": head, "base": base, "body": body, "draft": draft}
        write = Write(
            "create_pull_request", place, "POST", "/pulls", sent, f"a pull request in {place.full_name}", find
        )
        return await self._writer.perform(write, idempotency_key, dry_run=dry_run)

    async def submit_review(
        self,
        pull: str,
        event: Literal["APPROVE", "REQUEST_CHANGES", "COMMENT"],
        expected_head: str,
        body: str = "",
        idempotency_key: str = "",
        dry_run: bool = False,
    ) -> Written:
        """Review a pull request. It fails unless its head is still expected_head, so that nothing unread is approved.
        REQUEST_CHANGES and COMMENT need a body. dry_run shows what would be sent."""
        self._writer.admit()
        if event != "APPROVE" and not body:
            raise InvalidInput(f"body: needed with {event}.")
        place, reference = self._workspace.refer(pull, number=True)
        rest = f"/pulls/{reference.number}"
        item = await fresh(place, rest)
        check_unchanged("expected_head", expected_head, item["head"]["sha"], item["html_url"])

        async def find(since: float) -> dict[str, Any] | None:
            for one in reversed(await fresh(place, f"{rest}/reviews", {"per_page": 100})):
                made_then = (one.get("submitted_at") or "") >= instant(since)
                if made_then and one["state"] == _STATES[event] and same_text(one.get("body"), body):
                    return one
            return None

        sent = {"event": event, "body": body, "commit_id": expected_head}
        write = Write(
            "submit_review", place, "POST", f"{rest}/reviews", sent, f"a review of {item['html_url']}", find
        )
        return await self._writer.perform(write, idempotency_key, dry_run=dry_run)
