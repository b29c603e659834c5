"""Rendering loses nothing: mentions, links, dates, code, blocks, attachments, files."""

from __future__ import annotations

from datetime import UTC
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from rookery_slackapi.message_text import (
    MessageContent,
    Names,
    has_link,
    mentions_user,
    references,
    render_message,
    searchable_text,
)
from rookery_slackapi.message_text.mrkdwn import to_markdown, to_plain
from rookery_slackapi.message_text.visibility import without_hidden
from slack_shapes import MESSAGES

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


@pytest.mark.parametrize("kind", ["actions", "context", "context_actions"])
def test_buttons_and_notes_below_an_answer_do_not_replace_it(kind: str) -> None:
    note = {"type": kind, "elements": [{"type": "plain_text", "text": "Was this helpful?"}]}
    message = MessageContent("The *standup* moves.", {"blocks": [note]})
    assert render_message(message, Names()) == "The **standup** moves.\nWas this helpful?"


def test_times_are_told_in_the_askers_zone() -> None:
    assert to_markdown("<!date^1392734382^{date}>", Names(zone=UTC)) == "2014-02-18T14:39:42+00:00"


def nested(depth: int, key: str, innermost: Any) -> Any:
    for _ in range(depth):
        innermost = {"type": "rich_text_list", key: [innermost]}
    return innermost


@given(MESSAGES)
@example({"files": [5], "blocks": {}, "attachments": "x", "text": 7})
@example({"text": "*_" * 5000 + "x" + "_*" * 5000})
@example({"text": "\ue000" + "9" * 5000 + "\ue001"})
@example({"text": "<!date^253402300799^{date}>"})
def test_a_message_of_any_shape_is_read(message: dict[str, Any]) -> None:
    read_everything(message)


@pytest.mark.parametrize("key", ["elements", "attachments", "message", "fields"])
def test_a_message_of_any_depth_is_read(key: str) -> None:
    part = nested(900, key, {"type": "text", "text": "deep", "channel_id": "C1"})
    read_everything({"blocks": [part], "attachments": [part], "files": [part]})


def read_everything(message: dict[str, Any]) -> None:
    content = MessageContent.of(message)
    for names in (NAMES, Names(zone=ZoneInfo("Pacific/Kiritimati"))):
        assert isinstance(render_message(content, names), str)
    assert isinstance(searchable_text(content, {"C1"}), str)
    assert isinstance(has_link(content), bool) and isinstance(mentions_user(content, "U1"), bool)
    assert all(isinstance(name, str) for pair in references(content) for name in pair)
    assert isinstance(without_hidden(content, ()), MessageContent)


FORWARDED: dict[str, Any] = {
    "is_share": True, "is_msg_unfurl": True, "channel_id": "C1", "from_url": "https://x.slack.com/archives/C1/p1700000000000100",
    "author_name": "Grace", "fallback": "[November 14th] Grace: the disk is full", "ts": "1700000000.000100",
    "text": "the disk is *full*", "footer": "Posted in #general",
    "files": [{"id": "F7", "name": "df.txt", "mimetype": "text/plain", "size": 12, "preview": "/dev/sda1 100%"}],
    "message_blocks": [{"team": "T1", "channel": "C1", "ts": "1700000000.000100", "message": {"blocks": [
        {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": [
            {"type": "text", "text": "the disk is "}, {"type": "text", "text": "full", "style": {"bold": True}}]}]}]}}],
}  # fmt: skip


def test_a_forwarded_message_is_read_with_its_files() -> None:
    content = MessageContent.of({"text": "what now?", "attachments": [FORWARDED]})
    rendered = render_message(content, NAMES)
    for part in (
        "what now?",
        "> Grace",
        "> the disk is **full**",
        "[file: df.txt]",
        "/dev/sda1 100%",
        "Posted in #general",
    ):
        assert part in rendered
    assert rendered.count("the disk is") == 1 and rendered.count("df.txt") == 1
    assert [file["id"] for file in content.forwarded_files] == ["F7"]
    assert "df.txt" in searchable_text(content, {"C1"})


def test_an_alert_in_a_forwarded_message_is_read() -> None:
    alert = {"fallback": "CPU", "title": "CPU at 99 %", "fields": [{"title": "host", "value": "db1"}]}
    forwarded = {"is_share": True, "message_blocks": [{"message": {"text": "", "attachments": [alert]}}]}
    rendered = render_message(MessageContent.of({"attachments": [forwarded]}), NAMES)
    assert "CPU at 99 %" in rendered and "**host**: db1" in rendered


def test_a_preview_within_a_preview_is_hidden_from_those_who_may_not_see_it() -> None:
    secret = {"channel_id": "CSECRET", "is_msg_unfurl": True, "text": "the plan"}
    outer = {**FORWARDED, "attachments": [secret]}
    content = without_hidden(MessageContent.of({"text": "", "attachments": [outer]}), {"C1"})
    assert "the plan" not in render_message(content, NAMES) and "the disk is" in render_message(
        content, NAMES
    )
    quoted = {"message_blocks": [{"channel": "C1", "message": {"attachments": [secret]}}]}
    content = without_hidden(MessageContent.of({"attachments": [quoted]}), {"C1"})
    assert "the plan" not in render_message(content, NAMES)


@pytest.mark.parametrize(
    ("mrkdwn", "markdown"),
    [
        ("<#C1|> and <#C9|>", "#general and #C9"),
        ("<!subteam^S9|@night-shift>", "@night-shift"),
        ("<!here|here> <!everyone>", "@here @everyone"),
        ("<mailto:a@b.example|write to us>", "[write to us](mailto:a@b.example)"),
        ("<tel:+49301234|call>", "[call](tel:+49301234)"),
        ("<!date^1392734382^{date_num}^https://x.example/|Feb 18>", "[Feb 18 (2014-02-18T15:39:42+01:00)](https://x.example/)"),
    ],
)  # fmt: skip
def test_every_kind_of_reference_is_resolved(mrkdwn: str, markdown: str) -> None:
    assert to_markdown(mrkdwn, NAMES) == markdown


def section(*leaves: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": list(leaves)}]}]


@pytest.mark.parametrize(
    ("message", "mentioned"),
    [
        ({"text": "<@UBOT> hello"}, True),
        ({"text": "hello <@UBOT|rookery>"}, True),
        ({"text": "", "blocks": section({"type": "user", "user_id": "UBOT"})}, True),
        ({"text": "https://x.slack.com/team/UBOT"}, False),
        ({"text": "<https://x.slack.com/team/UBOT|profile>"}, False),
        ({"text": "<@UBOT99> hello"}, False),
        ({"text": "its id is UBOT"}, False),
        ({"text": "`<@UBOT>`"}, False),
        ({"text": "```\n<@UBOT>\n```"}, False),
        ({"text": "&lt;@UBOT&gt;"}, False),
        (
            {"text": "", "blocks": section({"type": "user", "user_id": "UBOT", "style": {"code": True}})},
            False,
        ),
        ({"text": "", "blocks": section({"type": "text", "text": "<@UBOT>"})}, False),
        ({"text": "look", "attachments": [{"text": "<@UBOT> said so"}]}, False),
        ({"text": 5, "blocks": [7], "attachments": "UBOT"}, False),
    ],
)
def test_only_a_mention_is_a_mention(message: dict[str, Any], mentioned: bool) -> None:
    assert mentions_user(MessageContent.of(message), "UBOT") is mentioned


@pytest.mark.parametrize(
    ("message", "linked"),
    [
        ({"text": "<https://a.example>"}, True),
        ({"text": "<@U1> no"}, False),
        ({"attachments": [{"title": "t", "title_link": "https://a.example"}]}, True),
        ({"attachments": [{"text": "see <https://a.example|a>"}]}, True),
        ({"attachments": [{"text": "see https://a.example"}]}, True),
        ({"attachments": [{"fields": [{"title": "run", "value": "<https://ci.example/1|1>"}]}]}, True),
        ({"attachments": [{"blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": "<https://a.example>"}}]}]}, True),
        ({"attachments": [{"fallback": "no link", "image_url": "https://i.example/x.png"}]}, False),
        ({"blocks": section({"type": "link", "url": "https://a.example"})}, True),
        ({"blocks": [{"type": "actions", "elements": [{"type": "button", "text": "go", "url": "https://a.example"}]}]}, True),
        ({"blocks": section({"type": "text", "text": "https://a.example", "style": {"code": True}})}, False),
        ({"files": [{"id": "F1", "permalink": "https://f.example"}]}, False),
    ],
)  # fmt: skip
def test_links_are_seen_wherever_they_stand(message: dict[str, Any], linked: bool) -> None:
    assert has_link(MessageContent.of(message)) is linked
