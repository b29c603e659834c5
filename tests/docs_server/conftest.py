"""A server over a small manual in two versions."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import pytest
import pytest_asyncio
from fastmcp import Client

from rookery_core.settings import CoreSettings
from rookery_docs.server import build_server
from rookery_docs.settings import DocsSettings
from rookery_docs.store.writer import Release
from rookery_ingest.docs.importing import delivered
from rookery_ingest.docs.raw import RawPage
from rookery_ingest.docs.running import DocsIngest, Target

FillVersion = Callable[..., Any]
BASE = "https://docs.example.org/manual/"

RESOURCES = """<main><h1 id="RES">Resource Consumption</h1><h2 id="MEMORY">Memory</h2><dl>
<dt id="GUC-WORK-MEM"><code>work_mem</code> (<code class="type">integer</code>)</dt><dd><p>Sets the base maximum amount
of memory to be used by a query operation such as a sort or hash table before writing to temporary disk files. The default
value is four megabytes{note}.</p></dd>
<dt id="GUC-SHARED-BUFFERS"><code>shared_buffers</code> (<code class="type">integer</code>)</dt><dd><p>Sets the amount of
memory the database server uses for shared memory buffers. The default is typically 128 megabytes. See also work_mem
for the memory of a single operation of a query.</p></dd></dl></main>"""
ERRORS = """<main><h1 id="ERRCODES">Error Codes</h1><table><tr><th>Code</th><th>Name</th></tr>
<tr><td><code>40001</code></td><td><code>serialization_failure</code></td></tr>
<tr><td><code>40P01</code></td><td><code>deadlock_detected</code></td></tr></table></main>"""
LOCKS = """<main><h1 id="LOCKS">Explicit Locking</h1><h2 id="LOCKING-DEADLOCKS">Deadlocks</h2><p>The use of explicit
locking can increase the likelihood of deadlocks, wherein two transactions each hold locks that the other waits for.
The server detects deadlock situations and aborts one of the transactions involved.</p></main>"""
INSERT = """<main><div class="refnamediv"><h1 id="SQL-INSERT">INSERT</h1><p>INSERT — create new rows in a table</p></div>
<h2 id="SQL-ON-CONFLICT">ON CONFLICT Clause</h2><p>The optional clause specifies an alternative action to raising a
unique violation error. ON CONFLICT DO UPDATE updates the existing row.</p></main>"""
SERIAL = """<main><h1 id="NUMERIC">Numeric Types</h1><h2 id="DATATYPE-SERIAL">Serial Types</h2><p>The data types serial
and bigserial are merely a notational convenience for creating unique identifier columns.</p></main>"""
INDEXES = """<main><h1 id="INDEX">CREATE INDEX</h1><h2 id="CONCURRENTLY">Building Indexes Concurrently</h2><p>CREATE INDEX
CONCURRENTLY builds the index without locking out writes.</p></main>"""
NEWS = """<main><h1>Release 2</h1><p>work_mem work_mem work_mem: the default of work_mem has changed.</p></main>"""

PAGES = {
    "resources.html": RESOURCES,
    "errors.html": ERRORS,
    "locks.html": LOCKS,
    "sql-insert.html": INSERT,
    "numeric.html": SERIAL,
    "sql-createindex.html": INDEXES,
    "release-2.html": NEWS,
}


def pages(note: str = "") -> dict[str, str]:
    """The manual; `note` tells its versions apart."""
    return {path: text.replace("{note}", note) for path, text in PAGES.items()}


@pytest_asyncio.fixture
async def fill(settings: CoreSettings) -> AsyncIterator[FillVersion]:
    """Imports pages as a version of a source."""
    ingest = await DocsIngest.open(settings)

    async def run(version: str, texts: dict[str, str], source: str = "manual") -> None:
        base = f"{BASE}{version}/"
        target = Target(Release(source, version), source.capitalize(), "folder", base)
        listed = [RawPage(path, base + path, "html", text.encode()) for path, text in texts.items()]
        await ingest.run(target, delivered(list(listed)), report=lambda _stage, _done: None)

    yield run
    await ingest.close()


@pytest_asyncio.fixture
async def manual(fill: FillVersion) -> None:
    """Versions 1 and 2 of the manual."""
    await fill("1", pages())
    await fill("2", pages(" since long ago"))


Connect = Callable[[], AbstractAsyncContextManager[Client[Any]]]


@pytest.fixture
def docs_settings(settings: CoreSettings) -> DocsSettings:
    """The server's settings on the test's database."""
    return DocsSettings(**settings.model_dump())


@pytest.fixture
def connect(docs_settings: DocsSettings) -> Connect:
    """A client of a server in this process."""

    @asynccontextmanager
    async def connected() -> AsyncGenerator[Client[Any]]:
        server = build_server(docs_settings).server
        async with Client(server) as client:
            yield client

    return connected
