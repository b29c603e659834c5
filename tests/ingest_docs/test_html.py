"""HTML: content without navigation, blocks with their anchors and terms."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from rookery_ingest.docs.formats.html import read_html

DOCBOOK = """
<html><head><title>19.4. Resource Consumption</title><meta name="description" content="How much it uses"></head>
<body id="docContent"><div class="navheader">Prev Next</div>
<div class="sect1" id="RUNTIME"><div class="titlepage"><h2 class="title">19.4. Resource Consumption
<a href="#RUNTIME" class="id_link">#</a></h2></div><div class="toc"><a href="x">19.4.1. Memory</a></div>
<div class="sect2" id="MEMORY"><div class="titlepage"><h3 class="title">19.4.1. Memory</h3></div>
<p>A <em class="firstterm">buffer</em> holds pages; see <a class="xref" href="other.html#X">Other</a>.</p>
<dl class="variablelist"><dt id="GUC-WORK-MEM"><span class="term"><code class="varname">work_mem</code>
(<code class="type">integer</code>)</span> <a href="#GUC-WORK-MEM" class="id_link">#</a></dt>
<dd><p>Memory for <code>sort</code>.</p><pre class="programlisting">SET work_mem = '64MB';</pre></dd></dl>
<div class="note"><h3 class="title">Note</h3><p>Careful.</p></div>
<table><thead><tr><th>Name</th><th>Means</th></tr></thead>
<tbody><tr><td><code>a|b</code></td><td>either</td></tr></tbody></table>
</div></div><div class="navfooter">Home</div></body></html>
"""


def test_a_manual_page() -> None:
    article = read_html(DOCBOOK)
    assert article.title == "Resource Consumption"
    assert article.description == "How much it uses"
    assert article.contents == ["Memory"]
    headings = [
        (block.level, block.text, block.anchor) for block in article.blocks if block.kind == "heading"
    ]
    assert headings == [(1, "Resource Consumption", "RUNTIME"), (2, "Memory", "MEMORY")]
    text = "\n".join(block.text for block in article.blocks)
    assert "Prev" not in text and "Home" not in text and "#" not in text.replace("```", "")
    definition = next(block for block in article.blocks if block.kind == "definition")
    assert definition.anchor == "GUC-WORK-MEM"
    assert definition.terms[:2] == ["work_mem (integer)", "work_mem"]
    assert "```\nSET work_mem = '64MB';\n```" in definition.text
    table = next(block for block in article.blocks if block.kind == "table")
    assert table.text == "| Name | Means |\n| --- | --- |\n| `a\\|b` | either |"
    assert table.terms == ["a|b"]
    paragraph = next(block for block in article.blocks if "buffer" in block.text)
    assert paragraph.terms == ["buffer"]
    assert [(link.target, link.text) for link in paragraph.links] == [("other.html#X", "Other")]
    assert "**Note**" in text and "Careful." in text


def test_sections_with_the_titles_own_level_have_their_sections_below_them() -> None:
    page = "<main><h2>SELECT</h2><h2>Parameters</h2><h3>WITH</h3><h4>Notes</h4><h3>FROM</h3><h2>Outputs</h2></main>"
    levels = [block.level for block in read_html(page).blocks if block.kind == "heading"]
    assert levels == [1, 2, 3, 4, 3, 2]


def test_code_keeps_every_byte_and_a_longer_fence_than_its_own() -> None:
    code = "if x:\n    y = '```'\n\n\treturn"
    article = read_html(f"<main><pre><code class='language-python'>{code}</code></pre></main>")
    assert article.blocks[0].text == f"````python\n{code}\n````"


def test_lists_keep_their_numbers_and_nesting() -> None:
    article = read_html(
        "<main><ol><li>one<ul><li>deep</li></ul></li><li><p>two</p><pre>x</pre></li></ol></main>"
    )
    assert [block.text for block in article.blocks] == [
        "1. one\n\n   - deep",
        "2. two\n\n   ```\n   x\n   ```",
    ]


def test_text_outside_of_any_paragraph_is_kept() -> None:
    article = read_html("<body>loose <b>words</b><p>para</p>tail</body>")
    assert [block.text for block in article.blocks] == ["loose **words**", "para", "tail"]


def test_an_empty_page_has_no_blocks() -> None:
    assert read_html(b"").blocks == []
    assert read_html("<html></html>").blocks == []


@settings(max_examples=80, deadline=None)
@given(st.text(max_size=300))
def test_any_text_is_read_without_failing(text: str) -> None:
    read_html(text)
    read_html(f"<main><p>{text}</p><table><tr><td>{text}</table><dl><dd>{text}")


@settings(max_examples=40, deadline=None)
@given(st.lists(st.text("abcdef ghij", min_size=1, max_size=40).filter(str.strip), min_size=1, max_size=8))
def test_every_paragraph_comes_out_once_and_in_order(paragraphs: list[str]) -> None:
    article = read_html("<main>" + "".join(f"<div><p>{text}</p></div>" for text in paragraphs) + "</main>")
    assert [block.text for block in article.blocks] == [" ".join(text.split()) for text in paragraphs]
