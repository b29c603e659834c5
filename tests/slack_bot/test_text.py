"""Splitting, markup and the reading of events, for any text."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rookery.slack.event_types import Deleted, Edited, IncomingMessage, lane, question_of, read
from rookery.slack.receivers.offers import is_open_question
from rookery.slack.rules.rulebook import numbers_in
from rookery.slack.text.markup import calm, escape, link, to_mrkdwn, unescape
from rookery.slack.text.split import split

LINES = st.lists(
    st.one_of(
        st.text(max_size=60),
        st.sampled_from(["", "```python", "```", "~~~", "- item", "# Heading", "word " * 30, "````md"]),
    ),
    max_size=60,
).map("\n".join)


@given(text=LINES, limit=st.integers(min_value=40, max_value=300))
def test_parts_fit_and_lose_no_word(text: str, limit: int) -> None:
    parts = split(text, limit)
    assert all(0 < len(part) <= limit for part in parts)
    fence = re.compile(r"[`~]+\w*")
    letters = re.sub(r"\s", "", fence.sub("", text))
    kept = re.sub(r"\s", "", fence.sub("", "\n".join(parts)))
    assert len(kept) >= len(letters) - text.count("`") - text.count("~")


def test_a_fence_is_closed_and_opened_anew() -> None:
    code = "```python\n" + "\n".join(f"line_{n} = {n}" for n in range(60)) + "\n```\nafter"
    parts = split(code, 300)
    assert len(parts) > 2
    for part in parts[:-1]:
        assert part.startswith("```python\n")
        assert part.endswith("\n```")
    assert parts[-1].endswith("after")


def test_paragraphs_stay_whole_where_they_fit() -> None:
    paragraphs = [f"{n} " + "word " * 18 for n in range(6)]
    parts = split("\n\n".join(paragraphs), 300)
    assert all(part.split("\n\n")[-1].count("word") == 18 for part in parts)


@given(text=st.text())
def test_nothing_calls_a_channel_and_no_text_breaks_the_markup(text: str) -> None:
    for shout in ("<!channel>", "<!here|here>", "<!EVERYONE>", "<!subteam^S123|@all>"):
        assert "<!" not in calm(shout + re.sub(r"<!", "", text) + shout).replace(text, "")
    to_mrkdwn(text)
    assert unescape(escape(text)) == text or "&" in text


@pytest.mark.parametrize(
    ("markdown", "mrkdwn"),
    [
        ("**bold** and *it*", "*bold* and _it_"),
        ("[a | b](https://x.example/y)", "<https://x.example/y|a ¦ b>"),
        ("# Title\ntext", "*Title*\ntext"),
        ("- one\n* two", "• one\n• two"),
        ("`**not bold**`", "`**not bold**`"),
        ("```\n# no heading\n```", "```\n# no heading\n```"),
        ("~~gone~~", "~gone~"),
        ("<@U1> in <#C1|general>", "<@U1> in <#C1|general>"),
    ],
)
def test_markdown_becomes_slacks_markup(markdown: str, mrkdwn: str) -> None:
    assert to_mrkdwn(markdown) == mrkdwn


def test_links_cannot_be_broken_out_of() -> None:
    assert link("https://x.example/a>b|c", "t>i<t|le") == "<https://x.example/a%3Eb%7Cc|t&gt;i&lt;t¦le>"
    assert calm("![track](https://evil.example/?q=1)") == "track (https://evil.example/?q=1)"


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("Nine, [as Ada said](memory://channel/1).", "Nine, as Ada said."),
        ("[Data retention](<file:///srv/docs/a.md#raw>)", "Data retention"),
        ("[docs](https://docs.example/a) and [mail](mailto:ada@acme.example)", None),
        ("call handlers[name](event) or see `[x](memory://team/1)`", None),
    ],
)
def test_of_links_that_a_browser_cannot_open_the_words_stay(written: str, shown: str | None) -> None:
    assert calm(written) == (shown or written)


ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=10,
)


def event(**fields: Any) -> dict[str, Any]:
    return {"event": {"type": "message", "channel": "C1", "ts": "5.0", "user": "U1", "text": "hi", **fields}}


@pytest.mark.parametrize(
    "payload",
    [
        event(bot_id="B1"),
        event(user="UBOT"),
        event(subtype="channel_join"),
        event(subtype="channel_topic"),
        event(subtype="bot_message", user=None),
        event(user="USLACKBOT"),
        {"event": {"type": "channel_rename", "channel": {"id": "C1", "name": "x"}}},
        {},
    ],
)
def test_what_is_nothing_for_the_bot(payload: dict[str, Any]) -> None:
    assert read(payload, "UBOT") is None


def test_what_is_something_for_the_bot() -> None:
    direct = read(event(channel_type="im", channel="D1"), "UBOT")
    assert isinstance(direct, IncomingMessage)
    assert direct.via == "direct"
    plain = read(event(thread_ts="1.0"), "UBOT")
    assert isinstance(plain, IncomingMessage)
    assert (plain.via, plain.is_reply, plain.thread_ts) == (None, True, "1.0")
    changed = read(
        event(
            subtype="message_changed",
            message={"user": "U1", "ts": "4.0", "text": "b"},
            previous_message={"text": "a"},
        ),
        "UBOT",
    )
    assert isinstance(changed, Edited)
    assert changed.written.text == "b"
    unfurled = event(
        subtype="message_changed",
        message={"user": "U1", "ts": "4.0", "text": "a"},
        previous_message={"text": "a"},
    )
    assert read(unfurled, "UBOT") is None
    gone = event(subtype="message_deleted", deleted_ts="4.0", previous_message={"user": "U1", "ts": "4.0"})
    assert read(gone, "UBOT") == Deleted("C1", "4.0")


def test_the_lane_is_the_thread() -> None:
    assert lane(event()) == "C1:5.0"
    assert lane(event(thread_ts="1.0")) == "C1:1.0"
    edit = event(subtype="message_changed", message={"ts": "4.0", "thread_ts": "1.0"})
    assert lane(edit) == "C1:1.0"
    assert lane({"event": {"type": "team_join"}}) is None


@given(payload=st.fixed_dictionaries({"event": st.dictionaries(st.text(max_size=6), ANY, max_size=5)}))
def test_no_event_without_a_known_type_means_anything(payload: dict[str, Any]) -> None:
    if payload["event"].get("type") in (
        "message",
        "app_mention",
        "reaction_added",
        "assistant_thread_started",
    ):
        return
    assert read(payload, "UBOT") is None


def test_the_mention_is_no_part_of_the_question() -> None:
    assert question_of("<@UBOT> who is <@U2>?", "UBOT") == "who is <@U2>?"
    assert question_of("hi <@UBOT|rookery>", "UBOT") == "hi"


@given(text=st.text())
def test_judgments_are_read_from_any_reply(text: str) -> None:
    assert numbers_in(text + " [2, 2, 9, 1]", 3) == [2, 1] or "[" in text


@pytest.mark.parametrize(
    ("text", "asks"),
    [
        ("does anybody know how vacuum works?", True),
        ("how do I reset my password", True),
        ("lunch is at noon today everybody", False),
        ("why?", False),
        ("<@U1> can you look at this please?", False),
    ],
)
def test_what_reads_like_a_question(text: str, asks: bool) -> None:
    assert is_open_question(text) is asks
