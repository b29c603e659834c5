"""Rendering loses nothing: mentions, links, dates, code, blocks, attachments, files."""

from __future__ import annotations

from datetime import UTC
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rookery_slackapi.message_text import MessageContent, Names, has_link, render_message, searchable_text
from rookery_slackapi.message_text.message import references
from rookery_slackapi.message_text.mrkdwn import to_markdown, to_plain

NAMES = Names({"U1": "Ada"}, {"C1": "general"}, {"S1": "backend"}, ZoneInfo("Europe/Berlin"))


@pytest.mark.parametrize(
    ("mrkdwn", "markdown"),
    [
        ("*bold* _italic_ ~gone~", "**bold** _italic_ ~~gone~~"),
        ("<@U1> and <@U2|bob> and <@U3>", "@Ada and @bob and @U3"),
        ("<#C1> <#C2|secret>", "#general #secret"),
        ("<!subteam^S1> <!here> <!channel>", "@backend @here @channel"),
        ("<https://a.example/x_y_z|label> <https://b.example>", "[label](https://a.example/x_y_z) https://b.example"),
        ("<http://a.example|a.example>", "http://a.example"),
        ("<mailto:a@b.example|a@b.example>", "a@b.example"),
        ("1 &lt; 2 &amp;&amp; 3 &gt; 2", "1 < 2 && 3 > 2"),
        ("&gt; quoted\nnot", "> quoted\nnot"),
        ("&gt;&gt;&gt; all\nof it", "> all\n> of it"),
        ("`*not bold* <https://x.example|x>`", "`*not bold* x`"),
        ("```a &lt; b\n*c*```", "```\na < b\n*c*\n```"),
        ("<!date^1392734382^{date}|Feb 18>", "Feb 18 (2014-02-18T15:39:42+01:00)"),
        ("snake_case_name and 2*3*4", "snake_case_name and 2*3*4"),
        ("a <weird> thing", "a <weird> thing"),
        (":tada: stays", ":tada: stays"),
    ],
)  # fmt: skip
def test_mrkdwn(mrkdwn: str, markdown: str) -> None:
    assert to_markdown(mrkdwn, NAMES) == markdown


def _kept(text: str) -> str:
    """Letters and digits, which no styling may change."""
    return "".join(character for character in text if character.isalnum())


@given(st.text())
def test_no_letter_is_lost_or_added(text: str) -> None:
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    assert _kept(to_markdown(escaped, NAMES)) == _kept(text)
    assert _kept(to_plain(escaped, NAMES)) == _kept(text)


@given(st.text(alphabet=st.characters(exclude_characters="`&<>\ue000\ue001"), min_size=1).filter(str.strip))
def test_code_is_left_alone(code: str) -> None:
    assert code in to_markdown(f"before ```{code}``` after", NAMES)


@given(st.lists(st.from_regex(r"\Ahttps://[a-z]{1,8}\.example/[a-z0-9_*~]{0,12}\Z"), min_size=1, max_size=5))
def test_every_address_is_shown_as_it_is(urls: list[str]) -> None:
    rendered = to_markdown(" ".join(f"<{url}|label {n}>" for n, url in enumerate(urls)), NAMES)
    assert all(f"]({url})" in rendered for url in urls)


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["type", "text", "elements", "fields", "url"]), inner, max_size=4),
    max_leaves=8,
)  # fmt: skip


@given(st.text(min_size=1, max_size=40), st.sampled_from(["unheard_of", "card", "plan"]))
def test_text_in_a_block_of_an_unknown_kind_is_shown(text: str, kind: str) -> None:
    block = {"type": kind, "body": {"inner": [{"type": "plain_text", "text": text}]}}
    assert text.strip() in render_message(MessageContent("", {"blocks": [block]}), NAMES)


RICH: dict[str, Any] = {
    "type": "rich_text",
    "elements": [
        {"type": "rich_text_section", "elements": [
            {"type": "text", "text": "see "}, {"type": "link", "url": "https://x.example", "text": "this"},
            {"type": "text", "text": " bold ", "style": {"bold": True}}, {"type": "user", "user_id": "U1"},
            {"type": "emoji", "name": "tada"}, {"type": "broadcast", "range": "here"},
        ]},
        {"type": "rich_text_list", "style": "ordered", "elements": [
            {"type": "rich_text_section", "elements": [{"type": "text", "text": "one"}]},
            {"type": "rich_text_section", "elements": [{"type": "text", "text": "two"}]},
        ]},
        {"type": "rich_text_list", "style": "bullet", "indent": 1, "elements": [
            {"type": "rich_text_section", "elements": [{"type": "text", "text": "inner"}]}]},
        {"type": "rich_text_preformatted", "elements": [{"type": "text", "text": "select 1;"}]},
        {"type": "rich_text_quote", "elements": [{"type": "text", "text": "said\nso"}]},
    ],
}  # fmt: skip


def test_rich_text() -> None:
    assert render_message(MessageContent("fallback", {"blocks": [RICH]}), NAMES) == (
        "see [this](https://x.example) **bold** @Ada:tada:@here\n1. one\n2. two\n  - inner\n```\nselect 1;\n```\n> said\n> so"
    )


def test_a_bots_message_is_not_empty() -> None:
    content: dict[str, Any] = {
        "attachments": [
            {"pretext": "Build", "title": "#42", "title_link": "https://ci.example/42", "text": "*failed*",
             "fields": [{"title": "branch", "value": "main"}], "footer": "CI"},
            {"fallback": "only this"},
            {"blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": "in <@U1>"}}]},
        ],
        "files": [{"id": "F1", "name": "a.txt", "mimetype": "text/plain", "size": 1234, "permalink": "https://f.example",
                   "preview": "first lines"}, {"id": "F2", "mode": "tombstone"}, {"id": "F3", "name": "gone.txt"}],
    }  # fmt: skip
    rendered = render_message(MessageContent("", content, ("F3",)), NAMES)
    for part in ("Build", "> [#42](https://ci.example/42)", "> **failed**", "> **branch**: main", "> CI", "> only this",
                 "> in @Ada", "[file: a.txt](https://f.example) (text/plain, 1,234 bytes)", "first lines"):  # fmt: skip
        assert part in rendered
    assert rendered.count("[file deleted]") == 2 and "gone.txt" not in rendered
    assert set(references(MessageContent("<@U1> <#C1>", content))) == {("user", "U1"), ("channel", "C1")}
    words = searchable_text(MessageContent("", content))
    assert "failed" in words and "first lines" in words and words.count("#42") == 1
    assert has_link(MessageContent("", content)) and not has_link(MessageContent("<@U1>"))


def test_times_are_told_in_the_askers_zone() -> None:
    assert to_markdown("<!date^1392734382^{date}>", Names(zone=UTC)) == "2014-02-18T14:39:42+00:00"
