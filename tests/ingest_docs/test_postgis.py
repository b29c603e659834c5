"""PostGIS's manual as it is published: a page for each function, or one file, by DocBook's stock stylesheets."""

from __future__ import annotations

import tarfile
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from rookery_core.errors import InvalidInput, NotFound
from rookery_ingest.docs.formats.docbook_html import plain_page, split_book
from rookery_ingest.docs.formats.html import read_html
from rookery_ingest.docs.postgis import Manual, find_manual, read_manual
from rookery_ingest.docs.raw import RawPage

AREA = """
<div class="refentry"><a name="ST_Area"></a><div class="titlepage"></div>
<div class="refnamediv"><h2>Name</h2><p>ST_Area &#8212; Returns the area of a polygonal geometry.</p></div>
<div class="refsynopsisdiv"><h2>Synopsis</h2><div class="funcsynopsis"><p><code class="funcdef">float
<b class="fsfunc">ST_Area</b>(</code>geometry <var class="pdparam">g1</var><code>)</code>;</p></div></div>
<div class="refsection"><a name="idm13643"></a><h2>Description</h2><p>In units of the reference system, like
<a class="xref" href="#ST_Length">ST_Length</a>; see <a href="#using_index">indexes</a>.</p>
<div class="note"><table border="0"><tr><td rowspan="2" valign="top" width="25"><img src="note.png"></td><th></th></tr>
<tr><td align="left" valign="top"><p>Only for polygons.</p></td></tr></table></div></div></div>
"""
LENGTH = AREA.replace("ST_Area", "ST_Length").replace("area of", "length of")
BOOK = f"""
<html><head><meta charset="utf-8"><title>PostGIS 3.3.2 Manual</title></head><body><div class="book">
<div class="titlepage"><h1>PostGIS 3.3.2 Manual</h1></div>
<div class="chapter"><div class="titlepage"><h1><a name="using"></a>Chapter 4. Using</h1></div>
<p>Before.</p><div class="sect1"><h2><a name="using_index"></a>4.1. Indexes</h2><p>Build one.</p></div></div>
<div class="chapter"><div class="titlepage"><h1><a name="reference"></a>Chapter 5. Reference</h1></div>
<p>All functions.</p>{AREA}{LENGTH}</div></div></body></html>
"""


def page_of(entry: str) -> str:
    return f'<html><head><title>x</title></head><body><div class="navheader">Next</div>{entry}</body></html>'


def test_a_reference_page_is_named_by_what_it_describes() -> None:
    article = read_html(plain_page(page_of(AREA).encode()))
    assert article.title == "ST_Area"
    blocks = [(block.kind, block.text) for block in article.blocks]
    assert ("code", "```\nfloat ST_Area(geometry g1);\n```") in blocks
    assert ("text", "ST_Area — Returns the area of a polygonal geometry.") in blocks
    assert ("text", "Only for polygons.") in blocks
    assert not any(block.kind == "table" for block in article.blocks)
    assert {block.anchor for block in article.blocks if block.anchor} <= {"ST_Area"}


def test_a_page_in_another_encoding_keeps_its_letters() -> None:
    head = '<head><meta http-equiv="Content-Type" content="text/html; charset=ISO-8859-1"></head>'
    latin = f"<html>{head}<body><h1>Größe</h1></body></html>".encode("latin-1")
    assert read_html(plain_page(latin)).title == "Größe"
    assert read_html(plain_page("<h1>Größe</h1>".encode())).title == "Größe"


def test_a_book_in_one_file_becomes_the_pages_of_the_site() -> None:
    pages = dict(split_book(BOOK.encode()))
    assert list(pages) == ["using", "reference", "ST_Area", "ST_Length"]
    assert "Build one." in pages["using"].decode()
    assert "Returns" not in pages["reference"].decode()
    assert "ST_Area" not in pages["ST_Length"].decode()
    area = pages["ST_Area"].decode()
    assert 'href="ST_Length.html"' in area
    assert 'href="using.html#using_index"' in area


def build(root: Path) -> None:
    for language, words in (("postgis-de", "Fläche"), ("postgis-en", "Area")):
        folder = root / "html" / language
        folder.mkdir(parents=True)
        for name in ("index", "ST_Area", "ST_Length"):
            entry = f"<main><h1>{name}</h1><p>{words}</p></main>"
            (folder / f"{name}.html").write_text(page_of(entry), encoding="utf-8")
        (folder / "style.css").write_text("")


async def read(manual: Manual) -> list[RawPage]:
    pages = [page async for page in read_manual(manual)]
    assert all(isinstance(page, RawPage) for page in pages)
    return [page for page in pages if isinstance(page, RawPage)]


async def test_english_is_read_from_a_build_in_several_languages(tmp_path: Path) -> None:
    build(tmp_path / "build")
    file = tmp_path / "doc-html-3.5.0.tar.gz"
    with tarfile.open(file, "w:gz") as archive:
        archive.add(tmp_path / "build", "postgis-3.5.0/doc")
    for place in (tmp_path / "build", file):
        pages = await read(find_manual("3.5.0", place))
        assert sorted(page.path for page in pages) == ["ST_Area.html", "ST_Length.html", "index.html"]
        assert all("Area" in page.data.decode() for page in pages)
        assert {page.url.rpartition("/")[0] for page in pages} == {"https://postgis.net/docs/manual-3.5"}


async def test_one_file_is_read_alone_in_a_folder_and_in_an_archive(tmp_path: Path) -> None:
    book = tmp_path / "postgis.html"
    book.write_text(BOOK, encoding="utf-8")
    file = tmp_path / "one.tar"
    with tarfile.open(file, "w") as archive:
        archive.add(book, "doc/postgis-doc/postgis.html")
    for place in (book, tmp_path, file):
        pages = await read(find_manual("3.3", place, "https://wiki.example/postgis/"))
        assert pages[2].url == "https://wiki.example/postgis/ST_Area.html"
        assert read_html(pages[2].data).title == "ST_Area"


@pytest.mark.parametrize(("version", "found"), [("3.3", True), ("3.3.2", True), ("3.4", False), ("3", True)])
def test_the_debian_package_is_used_for_its_own_version_only(
    version: str, found: bool, tmp_path: Path
) -> None:
    book = tmp_path / "postgis.html"
    book.write_text(BOOK, encoding="utf-8")
    assert find_manual(version, None, debian=book).place == (book if found else None)


async def test_a_place_without_the_manual_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"missing does not exist"):
        find_manual("3.4", tmp_path / "missing")
    (tmp_path / "index.html").write_text("<p>Something else.</p>")
    with pytest.raises(NotFound, match="no HTML manual of PostGIS"):
        find_manual("3.5", tmp_path)
    with pytest.raises(InvalidInput, match="no chapter and no reference page"):
        await read(find_manual("3.5", tmp_path / "index.html"))
    with tarfile.open(tmp_path / "other.tar", "w") as archive:
        archive.add(tmp_path / "index.html", "index.html")
    with pytest.raises(NotFound, match="no HTML manual of PostGIS"):
        await read(find_manual("3.5", tmp_path / "other.tar"))


@example(noise=";", at=BOOK.index("&#8212") + 3, cut=0)
@example(noise='<a name="x&#8;"></a>', at=BOOK.index("<p>Before"), cut=0)
@given(st.text(alphabet='<>/ab"= \n&;#', max_size=200), st.integers(0, len(BOOK)), st.integers(0, 40))
def test_damaged_markup_is_read_as_far_as_it_goes(noise: str, at: int, cut: int) -> None:
    damaged = (BOOK[:at] + noise + BOOK[at + cut :]).encode()
    assert isinstance(plain_page(damaged), bytes)
    for name, page in split_book(damaged):
        assert name
        read_html(page)
