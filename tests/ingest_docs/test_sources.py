"""Where documents come from: archives, the manual, the time-series documentation, a git working copy."""

from __future__ import annotations

import os
import subprocess
import tarfile
import zipfile
from pathlib import Path

import pytest

from rookery_core.errors import InvalidInput, NotFound
from rookery_ingest.docs.archive import documents_below, names_in, read_archive
from rookery_ingest.docs.folder import read_folder
from rookery_ingest.docs.git import read_working_copy
from rookery_ingest.docs.postgres import Manual, find_manual, read_manual, versions_of
from rookery_ingest.docs.raw import LeftOut, PassedOver, RawPage, Unreadable, kind_of
from rookery_ingest.docs.sources import open_source
from rookery_ingest.docs.timescale import expanded, is_page, read_timescale, url_of
from rookery_ingest.docs.web import Guest


def test_versions() -> None:
    assert versions_of("14..18") == ["14", "15", "16", "17", "18"]
    assert versions_of("15, 17,15") == ["15", "17"]
    assert versions_of("9.6") == ["9.6"]
    for wrong in ("seventeen", "", "1..", "..18"):
        with pytest.raises(InvalidInput, match="is no version"):
            versions_of(wrong)


def test_a_range_that_runs_backwards_or_too_far_says_so() -> None:
    with pytest.raises(InvalidInput, match=r"VERSIONS: '19\.\.14' runs backwards") as refused:
        versions_of("19..14")
    assert "14..19" in str(refused.value)
    with pytest.raises(InvalidInput, match=r"VERSIONS: '1\.\.99' names more than 20"):
        versions_of("1..99")


@pytest.fixture
def manual_archive(tmp_path: Path) -> Path:
    root = tmp_path / "17"
    root.mkdir()
    for name in ("bookindex.html", "index.html", "sql-select.html"):
        (root / name).write_text(f"<main><h1>{name}</h1></main>")
    (root / "stylesheet.css").write_text("")
    file = tmp_path / "manual.tar.gz"
    with tarfile.open(file, "w:gz") as archive:
        archive.add(root, "postgresql/doc/17")
    return file


async def test_the_manual_from_a_folder_and_from_an_archive(manual_archive: Path) -> None:
    for place in (manual_archive, manual_archive.parent / "17", manual_archive.parent):
        manual = find_manual("17", place)
        pages = [page async for page in read_manual(manual)]
        assert [page.path for page in pages] == ["bookindex.html", "index.html", "sql-select.html"]
        assert all(isinstance(page, RawPage) for page in pages)
        assert isinstance(pages[2], RawPage)
        assert pages[2].url == "https://www.postgresql.org/docs/17/sql-select.html"


def test_a_place_without_the_manual_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="holds no HTML manual of version 17"):
        find_manual("17", tmp_path)
    with pytest.raises(InvalidInput, match=r"--from: .*/nope does not exist"):
        find_manual("17", tmp_path / "nope")
    (tmp_path / "notes").write_text("no archive")
    with pytest.raises(InvalidInput, match="neither a folder nor an archive"):
        find_manual("17", tmp_path / "notes")
    assert Manual("16", None).base_url.endswith("/16/")


def test_an_unpacked_debian_package_holds_the_manual(tmp_path: Path) -> None:
    folder = tmp_path / "usr" / "share" / "doc" / "postgresql-doc-17" / "html"
    folder.mkdir(parents=True)
    (folder / "bookindex.html").write_text("<main><h1>Index</h1></main>")
    for place in (tmp_path, tmp_path / "usr" / "share" / "doc", folder.parent, folder):
        assert find_manual("17", place).place == folder
    with pytest.raises(NotFound):
        find_manual("16", tmp_path)


def test_a_debian_package_as_it_is_says_how_to_unpack_it(tmp_path: Path) -> None:
    package = tmp_path / "postgresql-doc-17_17.5-1_all.deb"
    package.write_bytes(b"!<arch>\ndebian-binary   ")
    with pytest.raises(InvalidInput, match="dpkg -x"):
        find_manual("17", package)


def test_a_folder_of_another_version_is_not_taken_for_this_one(manual_archive: Path) -> None:
    with pytest.raises(NotFound, match="version 16"):
        find_manual("16", manual_archive.parent)


def test_kinds_of_pages() -> None:
    assert kind_of("bookindex.html", "Index") == "index"
    assert kind_of("release-17.html", "Release 17") == "changelog"
    assert kind_of("CHANGELOG.md", "Changes") == "changelog"
    assert kind_of("sql-release-savepoint.html", "RELEASE SAVEPOINT") == "page"


async def test_a_zip_is_read_as_a_folder(tmp_path: Path) -> None:
    file = tmp_path / "docs.zip"
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("project-1/docs/a.md", "# A")
        archive.writestr("project-1/docs/sub/b.rst", "B\n=\n")
        archive.writestr("project-1/docs/code.py", "")
    guest = Guest()
    opened = await open_source("folder", "1", {"path": str(file), "base_url": "https://x/"}, {}, guest)
    found = [page async for page in opened.pages]
    await guest.close()
    assert [(page.path, page.url) for page in found if isinstance(page, RawPage)] == [
        ("a.md", "https://x/a.md"),
        ("sub/b.rst", "https://x/sub/b.rst"),
    ]


def test_snippets_and_front_matter_become_text() -> None:
    files = {
        "api/close.md": b"---\napi_name: close()\nexcerpt: Get it\napi_details:\n  summary: Closing price.\n  signatures:\n"
        b"    - language: sql\n      code: close(x)\n  parameters:\n    required:\n      - name: x\n        type: T\n"
        b'        description: an x\n---\nimport Note from "versionContent/_partials/_note.mdx";\n\n<Note />\n',
        "_partials/_note.md": b"Mind the *gap*.\n",
    }
    text = expanded("api/close.md", files)
    assert "# close()" in text and "Mind the *gap*." in text and "Closing price." in text
    assert "```sql\nclose(x)\n```" in text and "| `x` | T | an x |" in text
    assert "import Note" not in text
    assert (
        is_page("api/close.md") and not is_page("_partials/_note.md") and not is_page("api/.templates/x.md")
    )
    assert (
        url_of("api/_hyperfunctions/close.md")
        == "https://docs.tigerdata.com/api/latest/hyperfunctions/close/"
    )


def test_the_messages_that_a_page_explains_are_part_of_its_text() -> None:
    page = b"---\ntitle: Limit\nerrors:\n  - language: text\n    message: |-\n      ERROR: limit exceeded\n      HINT: less\n---\nWhy.\n"
    text = expanded("_troubleshooting/limit.md", {"_troubleshooting/limit.md": page})
    assert "```text\nERROR: limit exceeded\nHINT: less\n```" in text


async def test_pages_of_the_time_series_documentation(tmp_path: Path) -> None:
    (tmp_path / "src" / "api").mkdir(parents=True)
    (tmp_path / "src" / "_partials").mkdir()
    (tmp_path / "src" / "api" / "index.md").write_text("# API\n")
    (tmp_path / "src" / "_partials" / "_x.md").write_text("x")
    assert [page.path async for page in read_timescale(tmp_path)] == ["api/index.md"]


async def test_a_working_copy_gives_what_git_tracks(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "a.md").write_text("# A")
    (tmp_path / "docs" / "untracked.md").write_text("# B")
    (tmp_path / "code.md").write_text("# no")
    for arguments in (["init", "-q"], ["add", "docs/a.md", "code.md"]):
        subprocess.run(["git", "-C", str(tmp_path), *arguments], check=True)
    found = [page async for page in read_working_copy(tmp_path, "docs", lambda path: "https://x/" + path)]
    assert [(page.path, page.url) for page in found if isinstance(page, RawPage)] == [
        ("a.md", "https://x/a.md")
    ]
    with pytest.raises(InvalidInput, match="tracks no document"):
        _ = [page async for page in read_working_copy(tmp_path, "nothing", str)]


async def test_what_has_no_reader_is_named_by_kind_and_number(tmp_path: Path) -> None:
    for name in ("a.md", "b.png", "c/d.PNG", "e.csv", ".hidden.png", "f"):
        file = tmp_path / "docs" / name
        file.parent.mkdir(exist_ok=True, parents=True)
        file.write_text("# A" if name == "a.md" else "x")
    with zipfile.ZipFile(tmp_path / "docs.zip", "w") as archive:
        for file in sorted((tmp_path / "docs").rglob("*")):
            if file.is_file():
                archive.write(file, str(file.relative_to(tmp_path / "docs")))
    for place in (tmp_path / "docs", tmp_path / "docs.zip"):
        opened = await open_source("folder", "1", {"path": str(place)}, {}, Guest())
        passed = [page.kind for page in [each async for each in opened.pages] if isinstance(page, PassedOver)]
        assert sorted(passed) == [".csv", ".png", ".png", "no suffix"]


async def test_a_package_that_is_a_zip_is_not_read_as_an_archive(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "letter.docx", "w") as archive:
        archive.writestr("word/document.xml", "<w:document/>")
    with pytest.raises(InvalidInput, match=r"no reader for \.docx"):
        await open_source("folder", "1", {"path": str(tmp_path / "letter.docx")}, {}, Guest())


async def test_an_unknown_kind_is_refused() -> None:
    guest = Guest()
    with pytest.raises(InvalidInput, match="no kind of source"):
        await open_source("wiki", "1", {}, {}, guest)
    await guest.close()


def packed(folder: Path) -> Path:
    file = folder / "docs.zip"
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("docs/a.md", "# A\n" + "quay " * 4000)
        archive.writestr("docs/b.md", "# B\n")
    return file


async def test_what_is_damaged_in_an_archive_is_told_and_the_rest_is_read(tmp_path: Path) -> None:
    file = packed(tmp_path)
    data = bytearray(file.read_bytes())
    data[45] ^= 0xFF
    file.write_bytes(data)
    pages = [page async for page in read_archive(file, documents_below("docs/"), lambda path: path)]
    assert isinstance(pages[0], Unreadable) and pages[0].path == "a.md"
    assert isinstance(pages[1], RawPage) and pages[1].path == "b.md"


async def test_an_archive_that_is_cut_short_is_refused(tmp_path: Path) -> None:
    whole = tmp_path / "whole.tar.gz"
    with tarfile.open(whole, "w:gz") as archive:
        for number in range(40):
            (tmp_path / "page.md").write_bytes(b"# Page\n" + os.urandom(4000).hex().encode())
            archive.add(tmp_path / "page.md", f"docs/{number}.md")
    short = tmp_path / "short.tar.gz"
    short.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    with pytest.raises(InvalidInput, match="damaged"):
        names_in(short)


async def test_one_file_that_is_neither_text_nor_archive_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "short.zip"
    file.write_bytes(packed(tmp_path).read_bytes()[:-30])
    with pytest.raises(InvalidInput, match="neither a document nor an archive"):
        [page async for page in read_folder(file, lambda path: path)]


async def read_all(folder: Path) -> dict[str, object]:
    return {page.path: page async for page in read_folder(folder, lambda path: path)}


async def test_links_out_of_a_folder_and_pipes_are_left_out_and_named(tmp_path: Path) -> None:
    root = tmp_path / "d"
    root.mkdir()
    (root / "a.md").write_text("# A")
    (root / "passwd.md").symlink_to("/etc/passwd")
    (root / "environment.md").symlink_to("/proc/self/environ")
    (root / "etc").symlink_to("/etc")
    os.mkfifo(root / "pipe.md")
    pages = await read_all(root)
    assert isinstance(pages.pop("a.md"), RawPage)
    assert set(pages) == {"passwd.md", "environment.md", "etc", "pipe.md"}
    assert all(isinstance(page, LeftOut) for page in pages.values())


async def test_links_out_of_a_working_copy_are_left_out_and_named(tmp_path: Path) -> None:
    (tmp_path / "secret.md").write_text("secret")
    root = tmp_path / "r"
    root.mkdir()
    (root / "a.md").write_text("# A")
    (root / "x.md").symlink_to("/etc/passwd")
    (root / "y.md").symlink_to("../secret.md")
    (root / "z.md").symlink_to("untracked.md")
    (root / "gone.md").write_text("")
    for arguments in (["init", "-q"], ["add", "."]):
        subprocess.run(["git", "-C", str(root), *arguments], check=True)
    (root / "untracked.md").write_text("secret")
    (root / "gone.md").unlink()
    pages = {page.path: page async for page in read_working_copy(root, "", str)}
    assert isinstance(pages.pop("a.md"), RawPage)
    assert set(pages) == {"x.md", "y.md", "z.md", "gone.md"}
    assert all(isinstance(page, LeftOut) for page in pages.values())


async def test_a_repository_runs_nothing_when_it_is_imported(tmp_path: Path) -> None:
    root, mark = tmp_path / "r", tmp_path / "PWNED"
    root.mkdir()
    (root / "a.md").write_text("# a")
    for arguments in (["init", "-q"], ["add", "."]):
        subprocess.run(["git", "-C", str(root), *arguments], check=True)
    with (root / ".git" / "config").open("a") as file:
        file.write(f'[core]\n\tfsmonitor = "touch {mark}; false"\n')
    guest = Guest()
    opened = await open_source("git", "1", {"path": str(root)}, {}, guest)
    assert [page.path async for page in opened.pages] == ["a.md"]
    await guest.close()
    assert not mark.exists()
