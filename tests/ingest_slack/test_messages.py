"""One message made into facts: odd shapes, and the files of forwarded messages."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from hypothesis import example, given

from rookery_ingest.slack.messages import message_facts
from slack_shapes import ANYTHING, MESSAGES

TS = "1700000000.000100"


@given(MESSAGES, ANYTHING)
@example({"files": [5], "blocks": {}, "attachments": "x", "text": 7}, [5, {"name": "tada", "users": 7}])
def test_a_message_of_any_shape_becomes_facts(message: dict[str, Any], reactions: Any) -> None:
    odd = {
        **message,
        "ts": TS,
        "user": reactions,
        "edited": reactions,
        "username": reactions,
        "reactions": reactions,
    }
    facts = message_facts(odd, "C1", snapshot_at=datetime.now(UTC))
    assert facts is not None and len(facts.messages) == 1
    assert isinstance(facts.messages[0].text, str) and "\0" not in facts.messages[0].text


def test_the_files_of_a_forwarded_message_keep_their_ids_and_lose_their_tokens() -> None:
    file = {
        "id": "F1",
        "name": "a.txt",
        "url_private": "https://files.slack.com/a.txt?t=xoxe-secret",
        "thumb_64": "x?t=xoxe",
    }
    quoted = {"id": "F2", "name": "b.txt", "url_private": "https://files.slack.com/b.txt?t=xoxe-secret"}
    attachment = {
        "is_share": True,
        "text": "see",
        "files": [file],
        "message_blocks": [{"message": {"files": [quoted]}}],
    }
    facts = message_facts({"ts": TS, "user": "U1", "text": "", "attachments": [attachment]}, "C1")
    assert facts is not None and facts.messages[0].content is not None
    content = facts.messages[0].content
    assert [file["id"] for file in content["attachments"][0]["files"]] == ["F1", "F2"]
    assert "xoxe" not in json.dumps(content)
