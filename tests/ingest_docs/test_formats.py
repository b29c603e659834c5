"""Every other format becomes the same blocks."""

from __future__ import annotations

import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pypdf import PdfWriter

from rookery_core.errors import InvalidInput
from rookery_ingest.docs.formats.article import Article
from rookery_ingest.docs.formats.reading import FORMATS, format_of, read


def kinds(article: Article) -> list[str]:
    return [block.kind for block in article.blocks]


def text(article: Article) -> str:
    return "\n".join(block.text for block in article.blocks)


def test_markdown_with_front_matter_and_jsx() -> None:
    source = (
        b"---\ntitle: Ignored here\nexcerpt: What it is\n---\nimport X from 'y'\n\n# Head <Tag type=\"a\">New</Tag>\n\n"
        b"<Highlight>\ncareful\n</Highlight>\n\n```sql\nselect <X/>;\n```\n\n| a | b |\n|---|---|\n| `x` | 2 |\n\n"
        b"## Sub part {#custom}\n\nterm\n: meaning\n\n## Sub part\n\n## Sub part\n"
    )
    article = read(source, "markdown")
    assert article.title == "Head New"
    assert article.description == "What it is"
    assert (
        "import X" not in text(article)
        and "Highlight" not in text(article)
        and "excerpt" not in text(article)
    )
    assert "select <X/>;" in text(article)
    assert {"heading", "text", "code", "table", "definition"} <= set(kinds(article))
    anchors = [block.anchor for block in article.blocks if block.kind == "heading"]
    assert anchors == ["head-new", "custom", "sub-part", "sub-part-1"]


def test_restructured_text_with_roles_and_directives_of_sphinx() -> None:
    source = (
        b"Title\n=====\n\nUse :func:`~pkg.connect` and ``x``.\n\n.. code-block:: python\n   :linenos:\n\n   print(1)\n\n"
        b".. function:: connect(dsn)\n\n   Opens a connection.\n\n.. note:: Beware.\n\n.. toctree::\n\n   other\n"
    )
    article = read(source, "rst")
    assert article.title == "Title"
    assert "`pkg.connect`" in text(article) and "print(1)" in text(article) and "Beware." in text(article)
    definition = next(block for block in article.blocks if block.kind == "definition")
    assert definition.anchor == "connect" and "Opens a connection." in definition.text
    assert "toctree" not in text(article)


def test_restructured_text_includes_no_file(tmp_path: object) -> None:
    article = read(
        f".. include:: {tmp_path}/secret\n\n.. raw:: html\n   :file: /etc/passwd\n\nwords\n".encode(), "rst"
    )
    assert "root:" not in text(article) and "words" in text(article)


ASCIIDOC = b"""= Guide
:product: Rookery

Intro to {product} with `code` and *bold*. See <<install,there>>.

[[install]]
== Install

. First
+
[source,bash]
----
make install
----
. Second
* nested

NOTE: Be careful.

work_mem:: memory for sorts
[[opt]]shared_buffers::
  The cache.

[cols="1,2",options="header"]
|===
|Name |Meaning

|`a` |first
|`b` |second
|===

////
a comment
////
ifdef::never[]
hidden
endif::[]
"""


def test_asciidoc() -> None:
    article = read(ASCIIDOC, "asciidoc")
    assert article.title == "Guide"
    assert "Intro to Rookery with `code` and **bold**. See there." in text(article)
    headings = [(block.text, block.anchor) for block in article.blocks if block.kind == "heading"]
    assert headings == [("Guide", None), ("Install", "install")]
    assert "```bash\n   make install\n   ```" in text(article)
    assert "| Name | Meaning |\n| --- | --- |\n| `a` | first |\n| `b` | second |" in text(article)
    definitions = [block for block in article.blocks if block.kind == "definition" and block.terms]
    assert [block.terms[0] for block in definitions] == ["work_mem", "shared_buffers"]
    assert definitions[1].anchor == "opt"
    assert "a comment" not in text(article) and "hidden" not in text(article)


DOCBOOK = b"""<sect1 id="wal-intro"><title>WAL</title><indexterm><primary>gone</primary></indexterm>
<para>The <firstterm>log</firstterm> is <literal>good</> &mdash; &productname;.</para>
<variablelist><varlistentry id="guc-x"><term><varname>x</varname> (<type>integer</type>)</term>
<listitem><para>Sets x.</para></listitem></varlistentry></variablelist>
<sect2><title>Sub</title><programlisting>select 1;</programlisting><note><para>hi</para></note></sect2></sect1>"""


def test_docbook_in_the_sgml_of_the_manual() -> None:
    article = read(DOCBOOK, "docbook")
    assert article.title == "WAL"
    assert article.blocks[0].anchor == "wal-intro"
    assert "The log is `good` — productname." in text(article) and "gone" not in text(article)
    definition = next(block for block in article.blocks if block.kind == "definition")
    assert definition.anchor == "guc-x" and definition.terms == ["x (integer)", "x"]
    assert "```\nselect 1;\n```" in text(article)


def test_docbook_fetches_no_entity() -> None:
    source = b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><sect1><title>T</title><para>&x;</para></sect1>'
    assert "root:" not in text(read(source, "docbook"))


def test_plain_text() -> None:
    article = read(b"Title\n=====\n\nhello\nworld\n\n    code here\n", "text")
    assert article.title == "Title"
    assert kinds(article) == ["heading", "text", "code"]


def test_a_pdf_without_text_and_one_that_is_none() -> None:
    writer = PdfWriter()
    writer.add_blank_page(100, 100)
    writer.add_metadata({"/Title": "Blank"})
    file = io.BytesIO()
    writer.write(file)
    assert read(file.getvalue(), "pdf") == Article("Blank", [])
    with pytest.raises(InvalidInput, match="Not a readable PDF"):
        read(b"not a pdf", "pdf")


def test_formats_by_name() -> None:
    assert format_of("a/B.HTML") == "html"
    assert format_of("x.mdx") == "mdx"
    assert format_of("x.sgml") == "docbook"
    assert format_of("x.py") is None
    with pytest.raises(InvalidInput):
        read(b"", "nonsense")


@settings(max_examples=40, deadline=None)
@given(
    st.text(max_size=200),
    st.sampled_from([name for name in FORMATS if name not in ("pdf", "docbook", "rst")]),
)
def test_any_text_is_read_in_any_format(source: str, format_name: str) -> None:
    read(source.encode("utf-8", "surrogatepass"), format_name)


@settings(max_examples=25, deadline=None)
@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=120))
def test_any_text_is_read_as_restructured_text_or_refused(source: str) -> None:
    try:
        read(source.encode(), "rst")
    except InvalidInput as error:
        assert "reStructuredText" in str(error)


@pytest.mark.parametrize(
    ("format_name", "source"),
    [
        ("html", b"<div>" * 20_000),
        ("html", b"<ul><li>" * 5_000),
        ("markdown", b"<div>" * 20_000),
        ("docbook", b"<article>" + b"<section>" * 20_000),
    ],
)
def test_what_is_nested_without_end_is_refused(format_name: str, source: bytes) -> None:
    with pytest.raises(InvalidInput, match="nested too deep"):
        read(source, format_name)


def test_what_says_that_it_is_utf_16_is_read() -> None:
    assert text(read("<h1>Höhe</h1><p>groß</p>".encode("utf-16"), "html")) == "Höhe\ngroß"
    assert "groß" in text(read("# Höhe\n\ngroß\n".encode("utf-16"), "markdown"))


def test_entities_do_not_grow() -> None:
    bomb = '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "bbbbbbbbbb">' + "".join(
        f'<!ENTITY {chr(99 + level)} "{f"&{chr(98 + level)};" * 10}">' for level in range(9)
    )
    article = read(f"{bomb}]><article><title>T</title><para>&k;</para></article>".encode(), "docbook")
    assert len(text(article)) < 100
