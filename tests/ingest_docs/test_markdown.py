"""Markdown arrives as it was written: names in angle brackets, code of every kind, admonitions of every dialect."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rookery_ingest.docs.chunking import passages_of
from rookery_ingest.docs.formats.markdown import read_markdown, read_mdx


def text_of(source: str, *, mdx: bool = False) -> str:
    article = read_mdx(source) if mdx else read_markdown(source)
    return "\n".join(block.text for block in article.blocks)


@pytest.mark.parametrize(
    ("source", "kept"),
    [
        ("Use `List<String>`; run `--max <N>`.", "Use `List<String>`; run `--max <N>`."),
        ("A List<String> is a Map<K, V>.", "A List<String> is a Map<K, V>."),
        ("Call Vec::<Token>::new() here.", "Call Vec::<Token>::new() here."),
        ("cp <source> <dest> and <title> and <B>.", "cp <source> <dest> and <title> and <B>."),
        ("AA::<P>() and <p> in prose", "AA::<P>() and <p> in prose"),
        ("<placeholder> starts the line.", "<placeholder> starts the line."),
        ("- item\n\n  ```rust\n  Vec::<Token>::new()\n  ```\n", "Vec::<Token>::new()"),
        ("1. step\n\n   ~~~\n   <Foo bar={1}/>\n   ~~~\n", "<Foo bar={1}/>"),
        ("> ```\n> Map<K, V>\n> ```\n", "Map<K, V>"),
        ("text\n\n    indented <Code/> stays\n", "indented <Code/> stays"),
        (
            "| a | b |\n|---|---|\n| `Vec::<Token>::new()` | Option<T> |\n",
            "`Vec::<Token>::new()` | Option<T>",
        ),
        ("import the data from the old system first", "import the data from the old system first"),
        ("export const is how it begins", "export const is how it begins"),
        ("!!! Do not restart the server", "!!! Do not restart the server"),
        ("```\nimport x from 'y'\n:::note\n!!! tip\n```\n", "import x from 'y'\n:::note\n!!! tip"),
        ("{/* kept in Markdown */} text", "{/* kept in Markdown */} text"),
    ],
)
def test_what_is_written_is_read(source: str, kept: str) -> None:
    assert kept in text_of(source)


def test_html_is_still_html() -> None:
    text = text_of(
        "Press <kbd>Enter</kbd>.<br>Then <a href='x.html'>look</a>.\n\n<details>\n\nInner **bold**.\n\n</details>\n"
    )
    assert "<" not in text
    assert "Enter" in text and "look" in text and "Inner **bold**." in text


@pytest.mark.parametrize(
    ("source", "texts"),
    [
        ('!!! danger "Never delete it"\n    The body.\n\n    More.\n\nAfter.\n', ["**Danger: Never delete it**", "The body.", "More.", "After."]),
        ("??? tip\n    Hidden.\n", ["**Tip**", "Hidden."]),
        ('???+ note "Open"\n    - one\n    - two\n', ["**Note: Open**", "- one", "- two"]),
        ('=== "Linux"\n\n    apt install x\n\n=== "Mac"\n\n    brew install x\n', ["**Linux**", "apt install x", "**Mac**", "brew install x"]),
        (":::warning Watch out\nBody.\n:::\n", ["**Warning: Watch out**", "Body."]),
        (":::note[A title]\nBody.\n:::\n", ["**Note: A title**", "Body."]),
        ("> [!NOTE]\n> Useful.\n", ["**Note**", "Useful."]),
    ],
)  # fmt: skip
def test_admonitions_keep_title_and_body(source: str, texts: list[str]) -> None:
    read = text_of(source)
    assert "```" not in read
    positions = [read.index(text) for text in texts]
    assert positions == sorted(positions)
    assert not re.search(r":::|!!!|\?\?\?|===|\[!", read)


def test_mdx_leaves_out_module_syntax_and_components() -> None:
    source = """import Tabs from '@theme/Tabs';
import {A,
  B} from 'x';

export const data = {
  a: 1,
};

# Page

<Tabs
  a="b"
  c={d}
>
<Tab title="x">
    Indented `List<T>`.

```js
import x from 'y'
<Foo />
```
</Tab>
</Tabs>

Inline <Highlight color="x">words</Highlight> stay. {/* gone */}

{/*
gone too

more
*/}
import the thing
"""
    text = text_of(source, mdx=True)
    for kept in (
        "Page",
        "Indented `List<T>`.",
        "import x from 'y'\n<Foo />",
        "Inline words stay.",
        "import the thing",
    ):
        assert kept in text
    for dropped in ("Tab", "Highlight", "gone", "more", "data", "from 'x'"):
        assert dropped not in text


def test_a_page_that_imports_components_is_mdx() -> None:
    assert text_of("import Tabs from '@theme/Tabs'\n\n<Tabs>\n\nBody.\n\n</Tabs>\n") == "Body."


@pytest.mark.parametrize(
    ("heading", "anchor"),
    [
        ("## हिन्दी शीर्षक", "हिन्दी-शीर्षक"),
        ("## การตั้งค่า", "การตั้งค่า"),
        ("## إعدادات الخادِم", "إعدادات-الخادِم"),
        ("## Custom {#my-id}", "my-id"),
        ("## Other {/* #other-id */}", "other-id"),
        ("## C++ & more!", "c--more"),
        ("\ufeff# b", "b"),
    ],
)
def test_headings_have_the_ids_of_the_built_site(heading: str, anchor: str) -> None:
    (block,) = read_markdown(heading).blocks
    assert (block.kind, block.anchor) == ("heading", anchor)


words = st.from_regex(r"[A-Za-z]{2,8}(<[A-Z][a-z]{1,5}>|::<[A-Z]>\(\)|_[a-z]{1,5})?", fullmatch=True)
code = st.lists(st.from_regex(r"[A-Za-z0-9_.<>(){}=;: ]{1,30}", fullmatch=True), min_size=1, max_size=4)


@settings(deadline=None, max_examples=60)
@given(st.lists(words, min_size=1, max_size=8), code)
def test_every_word_of_prose_and_code_is_found_again(prose: list[str], lines: list[str]) -> None:
    body = "\n".join(lines)
    fenced = "\n".join(f"  {line}" for line in lines)
    source = f"# Title\n\n{' '.join(prose)}\n\n```\n{body}\n```\n\n- item\n\n  ```\n{fenced}\n  ```\n"
    found = "\n".join(passage.text for passage in passages_of(read_markdown(source)))
    for word in prose:
        assert word in found
    for line in lines:
        assert found.count(line.strip()) >= 2
