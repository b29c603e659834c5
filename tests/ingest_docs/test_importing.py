"""Imports: only the difference is stored, nothing is lost, texts of several versions are kept once."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from pypdf import PdfWriter

from rookery_core.errors import InvalidInput
from rookery_docs.store.writer import Release
from rookery_ingest.docs.importing import Import, Summary, delivered
from rookery_ingest.docs.raw import Delivered, LeftOut, RawPage, Unchanged, Unreadable
from rookery_ingest.docs.running import DocsIngest

ImportFolder = Callable[..., Awaitable[Summary]]
TABLES = ("page", "passage", "content", "embedding", "word")


async def counts(connection: Any) -> dict[str, int]:
    return {table: await connection.fetchval(f"select count(*) from docs.{table}") for table in TABLES}


async def test_a_second_import_changes_nothing(
    manual: Path, import_folder: ImportFolder, owner_connection: Any
) -> None:
    first = await import_folder(manual)
    assert (first.added, first.pages, first.unreadable) == (12, 12, [])
    assert first.embedded == first.passages > 0
    before = await counts(owner_connection)
    revision = await owner_connection.fetchval("select revision from docs.version")
    again = await import_folder(manual)
    assert (again.added, again.changed, again.unchanged, again.embedded) == (0, 0, 12, 0)
    assert await counts(owner_connection) == before
    assert await owner_connection.fetchval("select revision from docs.version") == revision


async def test_a_changed_page_is_replaced_and_only_its_text_embedded(
    manual: Path, import_folder: ImportFolder, owner_connection: Any
) -> None:
    await import_folder(manual)
    (manual / "berth-3.html").write_text(
        "<main><h1>Berth 3</h1><p>It was dredged to twenty metres.</p></main>"
    )
    summary = await import_folder(manual)
    assert (summary.added, summary.changed, summary.unchanged) == (0, 1, 11)
    assert summary.embedded == 1
    texts = await owner_connection.fetch(
        "select c.text from docs.page p join docs.passage using (team, page_id) "
        "join docs.content c using (team, content_id) where p.path = 'berth-3.html'"
    )
    assert ["dredged" in row["text"] for row in texts] == [True]


async def test_a_text_in_five_versions_is_analysed_stored_and_embedded_once(
    manual: Path, import_folder: ImportFolder, owner_connection: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    await import_folder(manual, "1")
    before = await counts(owner_connection)
    monkeypatch.setattr("rookery_docs.store.writer.terms_by_field", None)
    for version in ("2", "3", "4", "5"):
        summary = await import_folder(manual, version)
        assert summary.embedded == 0
        assert summary.passages_reused == summary.passages_stored
    after = await counts(owner_connection)
    assert after["page"] == 5 * before["page"]
    assert (after["content"], after["embedding"]) == (before["content"], before["embedding"])


async def test_a_vanished_page_goes_but_a_broken_crawl_removes_nothing(
    manual: Path, import_folder: ImportFolder
) -> None:
    await import_folder(manual)
    (manual / "berth-0.html").unlink()
    assert (await import_folder(manual)).removed == 1
    for number in range(1, 9):
        (manual / f"berth-{number}.html").unlink()
    kept = await import_folder(manual)
    assert (kept.removed, kept.pages) == (0, 11)
    assert kept.kept is not None and "--force" in kept.kept
    assert (await import_folder(manual, force=True)).pages == 3


async def test_an_incomplete_crawl_removes_nothing(manual: Path, import_folder: ImportFolder) -> None:
    await import_folder(manual)
    (manual / "berth-0.html").unlink()
    summary = await import_folder(manual, complete=lambda: False)
    assert (summary.removed, summary.pages) == (0, 12)


async def test_a_page_that_the_source_does_not_give_goes_and_the_crawl_is_whole(
    manual: Path, import_folder: ImportFolder, ingest: DocsIngest
) -> None:
    await import_folder(manual)
    run = Import(ingest.writer, None, Release("manual", "1"), lambda _stage, _done: None)
    listed = [Unchanged(file.name) for file in manual.iterdir() if file.name != "berth-0.html"]
    summary = await run.run(delivered([*listed, LeftOut("berth-0.html", "forbidden")]), complete=lambda: True)
    assert summary.left_out == [("berth-0.html", "forbidden")]
    assert (summary.removed, summary.kept) == (1, None)


async def test_an_unreadable_page_stays_as_it_was(
    manual: Path, import_folder: ImportFolder, ingest: DocsIngest
) -> None:
    await import_folder(manual)
    run = Import(ingest.writer, None, Release("manual", "1"), lambda _stage, _done: None)
    summary = await run.run(delivered([Unreadable("berth-0.html", "gone for now")]), complete=lambda: True)
    assert summary.unreadable == [("berth-0.html", "gone for now")]
    assert (summary.removed, summary.pages) == (0, 12)


async def test_imports_of_the_same_version_at_once_leave_one_copy(
    manual: Path, import_folder: ImportFolder, owner_connection: Any
) -> None:
    summaries = await asyncio.gather(import_folder(manual), import_folder(manual), import_folder(manual, "2"))
    assert sum(summary.added for summary in summaries[:2]) == 12
    assert await owner_connection.fetchval("select count(*) from docs.page") == 24
    doubled = (
        "select count(*) from (select 1 from docs.content group by team, digest having count(*) > 1) as twice"
    )
    assert await owner_connection.fetchval(doubled) == 0


async def test_what_postgresql_cannot_store_is_left_out(ingest: DocsIngest, owner_connection: Any) -> None:
    run = Import(ingest.writer, None, Release("odd", "1"), lambda _stage, _done: None)
    await ingest.writer.put_source(Release("odd", "1"), title="Odd", kind="folder", base_url="", settings={})
    pages = [RawPage("a.txt", "https://x/a.txt", "text", b"nul \x00 byte \xff and more")]
    summary = await run.run(delivered(list(pages)), complete=lambda: True)
    assert (summary.added, summary.unreadable) == (1, [])
    assert "nul  byte" in await owner_connection.fetchval("select text from docs.content")


async def test_a_page_without_text_is_found_by_its_name(ingest: DocsIngest, owner_connection: Any) -> None:
    await ingest.writer.put_source(Release("odd", "1"), title="Odd", kind="folder", base_url="", settings={})
    run = Import(ingest.writer, None, Release("odd", "1"), lambda _stage, _done: None)
    await run.run(
        delivered([RawPage("api/time_bucket.md", "https://x/", "markdown", b"<!-- to do -->")]),
        complete=lambda: True,
    )
    assert await owner_connection.fetchval("select title from docs.page") == "api / time_bucket"


async def test_an_empty_file_and_a_pdf_without_text_make_no_page(
    ingest: DocsIngest, owner_connection: Any
) -> None:
    writer, file = PdfWriter(), io.BytesIO()
    writer.add_blank_page(100, 100)
    writer.write(file)
    await ingest.writer.put_source(Release("odd", "1"), title="Odd", kind="folder", base_url="", settings={})
    run = Import(ingest.writer, None, Release("odd", "1"), lambda _stage, _done: None)
    pages: list[Delivered] = [
        RawPage("empty.md", "https://x/", "markdown", b"\n"),
        RawPage("scan.pdf", "https://x/", "pdf", file.getvalue()),
    ]
    summary = await run.run(delivered(pages), complete=lambda: True)
    assert summary.left_out == [("empty.md", "it holds no text"), ("scan.pdf", "it holds no text")]
    assert await owner_connection.fetchval("select count(*) from docs.page") == 0


async def test_a_folder_that_is_not_there_is_refused_and_leaves_no_source(
    import_folder: ImportFolder, tmp_path: Path, owner_connection: Any
) -> None:
    with pytest.raises(InvalidInput, match="does not exist"):
        await import_folder(tmp_path / "nowhere")
    with pytest.raises(InvalidInput, match="holds no document"):
        await import_folder(tmp_path)
    assert await owner_connection.fetchval("select count(*) from docs.source") == 0


async def test_a_deleted_page_is_removed_even_when_another_cannot_be_read(
    import_folder: ImportFolder, manual: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await import_folder(manual)
    (manual / "berth-1.html").unlink()
    monkeypatch.setattr("rookery_ingest.docs.folder.MAX_FILE_BYTES", 100)
    (manual / "berth-2.html").write_text("x" * 101)
    (manual / "cranes.md").write_text("y" * 101)
    summary = await import_folder(manual)
    assert summary.removed == 1 and summary.kept is None
    assert {"berth-2.html", "cranes.md"} <= {path for path, _ in summary.unreadable}
