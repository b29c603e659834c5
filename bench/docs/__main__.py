"""Documentation search: `make bench-docs DOCS=folder-or-archive,… QRELS=file,…`.

Imports the corpora through the product's own store, asks every judged query through its own search, beside a plain
FTS5 search and pg-aiguide's method on the same passages and vectors; then times imports, searches, and twenty callers over
HTTP. Where five versions are needed and fewer are given, the others are seeded edits of those, and the note says so.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.docs.derived import derived
from bench.docs.judgments import (
    Corpus,
    Judged,
    NotReadable,
    Quality,
    by_kind,
    judge,
    raw_pages,
    read_corpora,
    read_judgments,
)
from bench.docs.peers import Chunk, PlainFts5, TwoQueriesRrf
from bench.report import Result, show, write
from rookery_core.database import Database
from rookery_core.embedders import create_embedder
from rookery_core.identity import Caller
from rookery_core.settings import CoreSettings
from rookery_docs.search.engine import SearchEngine
from rookery_docs.store.reader import DocsReader, ReleaseInfo
from rookery_docs.store.writer import Release
from rookery_ingest.docs.importing import Summary, delivered
from rookery_ingest.docs.running import DocsIngest, Target

COMMAND = "make bench-docs"
SAMPLE = Path(__file__).parents[2] / "orchestrator" / "rookery" / "demo_data" / "docs"
SEED = 20_26
VERSIONS = 5
WORKERS = 2
"""Processes that serve beside one: as many as the cores that the targets are for."""
EDITED_SHARE = 0.03
ASKED_PAGES = 20
MEASURES = ("hit1", "hit10", "ndcg10")
TARGETS = {
    "compound": (0.65, 0.95),
    "concept_phrase": (0.55, 0.92),
    "synonym_see": (0.55, 0.85),
    "identifier": (0.93, 0.99),
    "release_notes_15": (0.62, 0.93),
    "feature_matrix": (0.70, 0.97),
    "timescale_excerpts": (0.55, 0.88),
}
_PORT = 18_802
_BEGAN = time.monotonic()


class Bench:
    """The measurements, one after another, on a database of their own."""

    def __init__(self, settings: CoreSettings, folder: Path) -> None:
        self.settings = settings
        self.folder = folder
        self.caller = Caller(team=settings.team)
        self.results: list[Result] = []

    def add(self, name: str, value: float, unit: str, **more: Any) -> None:
        """Keep a figure."""
        self.results.append(Result(id=f"docs.{name}", value=value, unit=unit, command=COMMAND, **more))

    async def fill(self, source: str, version: str, pages: dict[str, bytes], format_name: str) -> Summary:
        """Import documents as one version."""
        _say(f"importing {source} {version}, {len(pages)} pages")
        async with await DocsIngest.open(self.settings) as ingest:
            base = f"https://docs.example.org/{source}/{version}/"
            target = Target(Release(source, version), source, "folder", base)
            listed = raw_pages(pages, format_name, base)
            return await ingest.run(target, delivered(listed), report=lambda _stage, _done: None, force=True)

    async def retrieval(self, corpora: Sequence[Corpus], judgments: dict[str, list[Judged]]) -> None:
        """Ask every judged query of the corpus it belongs to."""
        async with await Database.open(self.settings, "rookery_docs", "bench-docs") as database:
            for corpus in corpora:
                if judged := judgments.get(corpus.name):
                    await self._judge(database, corpus, judged)

    async def _judge(self, database: Database, corpus: Corpus, judged: list[Judged]) -> None:
        source = _source("scored", corpus)
        await self.fill(source, corpus.version, corpus.scored, corpus.format)
        release = await self._release(database, source)
        embedder = create_embedder(self.settings)
        engine = SearchEngine(embedder, None)
        chunks = await self._chunks(database, release, embedder.model if embedder else "")
        pages: dict[str, tuple[str, list[str]]] = {}
        for chunk in chunks:
            pages.setdefault(chunk.page, (chunk.title, []))[1].append(chunk.text)
        plain = PlainFts5([(path, title, "\n".join(texts)) for path, (title, texts) in pages.items()])
        peer = TwoQueriesRrf(chunks, embedder) if embedder else None
        if peer:
            await peer.prepare([row.query for row in judged])
        for kind, rows in by_kind(judged):
            _say(f"asking {len(rows)} queries of {corpus.name}, {kind}")
            found = {row: await self._found(database, engine, release, row.query) for row in rows}
            ours = judge(rows, lambda row, found=found: found[row])
            fts5 = judge(rows, lambda row: plain.rank(row.query))
            guide = judge(rows, lambda row: peer.rank(row.query)) if peer else None
            self._report(corpus, kind, ours, fts5, guide)

    def _report(self, corpus: Corpus, kind: str, ours: Quality, fts5: Quality, guide: Quality | None) -> None:
        targets = dict(zip(MEASURES, TARGETS.get(kind, ()), strict=False))
        for name in MEASURES:
            beside = f"; pg-aiguide's method {getattr(guide, name):.3f}" if guide else ""
            self.add(
                f"{kind}.{name}" if kind in TARGETS else f"{kind}.{corpus.version}.{name}",
                getattr(ours, name), "share", peer=getattr(fts5, name), peer_name="FTS5 BM25",
                target=targets.get(name), note=f"{ours.queries} queries on {corpus.name}{beside}",
            )  # fmt: skip

    async def _found(
        self, database: Database, engine: SearchEngine, release: ReleaseInfo, query: str
    ) -> list[str]:
        ranking = await engine.rank(database, self.caller, query, [release], most=10)
        return [page.path for page in ranking.pages]

    async def _release(self, database: Database, source: str) -> ReleaseInfo:
        async with database.transaction(self.caller, readonly=True) as connection:
            releases = await DocsReader(connection, self.caller).releases()
        return next(release for release in releases if release.source == source)

    async def _chunks(self, database: Database, release: ReleaseInfo, model: str) -> list[Chunk]:
        async with database.transaction(self.caller, readonly=True) as connection:
            rows = await DocsReader(connection, self.caller).index_rows(
                release.source, release.version, model
            )
        return [Chunk(row.path, row.title, row.text, row.vector) for row in rows]

    async def imports(self, corpora: Sequence[Corpus]) -> list[str]:
        """Time a first import, one mostly unchanged, an unchanged one; leaves five versions in the store."""
        first = corpora[0]
        versions = [(corpus.version, corpus.pages) for corpus in corpora if corpus.format == first.format][
            :VERSIONS
        ]
        made = "given: " + ", ".join(version for version, _ in versions)
        given = len(versions)
        while len(versions) < VERSIONS:
            base = versions[len(versions) % given][1]
            versions.append((f"{90 + len(versions)}", edited(base, SEED + len(versions))))
        made += f"; {VERSIONS} versions in all, the others by seeded edits of {EDITED_SHARE:.0%} of the pages"
        times: list[float] = []
        for version, pages in versions:
            times.append((await self.fill("manual", version, pages, first.format)).seconds)
        again = (await self.fill("manual", versions[0][0], versions[0][1], first.format)).seconds
        self.add(
            "ingest.first",
            times[0],
            "s",
            better="lower",
            note=f"{len(first.pages)} pages, with vectors",
        )
        self.add(
            "ingest.next_version",
            times[-1],
            "s",
            better="lower",
            note="mostly unchanged; " + made,
        )
        self.add("ingest.unchanged", again, "s", better="lower")
        shares = {"ingest.next_version.share": (times[-1], 0.5), "ingest.unchanged.share": (again, 0.2)}
        for name, (seconds, most) in shares.items():
            self.add(name, seconds / times[0], "of the first import", better="lower", target=most)
        return [version for version, _ in versions]

    async def recall(self, versions: Sequence[str], queries: Sequence[str]) -> None:
        """Ask up to twenty pages of each version, no more than match at all: how many come, all of that version."""
        database = await Database.open(self.settings, "rookery_docs", "bench-docs")
        engine = SearchEngine(create_embedder(self.settings), None)
        try:
            async with database.transaction(self.caller, readonly=True) as connection:
                releases = await DocsReader(connection, self.caller).releases()
            manual = [each for each in releases if each.source == "manual" and each.version in versions]
            every = sum(release.pages for release in manual)
            got = asked = 0
            for query in queries[:20]:
                matching = (await engine.rank(database, self.caller, query, manual, most=every)).pages
                for release in manual:
                    pages = (
                        await engine.rank(database, self.caller, query, [release], most=ASKED_PAGES)
                    ).pages
                    asked += min(ASKED_PAGES, sum(page.release is release for page in matching))
                    got += sum(page.release is release for page in pages)
        finally:
            await database.close()
        note = f"up to {ASKED_PAGES} pages asked of each of {len(manual)} versions, {asked} in all"
        self.add("version_filter.recall", got / (asked or 1), "share", target=1.0, note=note)

    def http(self, versions: Sequence[str], queries: Sequence[str]) -> None:
        """Latency of one caller and throughput of twenty, against a server over HTTP with five versions."""
        every = [{"query": query, "source": "manual", "version": "all"} for query in queries]
        each = [row | {"version": version} for row in every for version in versions]
        with self._served("--workers", "1"):
            self._load(1, 3, every)  # indexes are made
            alone = self._load(1, 10, every)["latencies"]
            self._load(20, 3, each)
            self._throughput("search.throughput", self._load(20, 15, each), "one process")
        with self._served("--workers", str(WORKERS)):
            self._load(20, 5, each)
            self._throughput(
                "search.throughput.workers", self._load(20, 15, each), f"{WORKERS} processes (--workers)"
            )
        note = "one caller over HTTP, version=all of five"
        self.add("search.p50", _quantile(alone, 0.5) * 1000, "ms", better="lower", note=note)
        self.add("search.p95", _quantile(alone, 0.95) * 1000, "ms", better="lower", note=note)

    def _throughput(self, name: str, loaded: dict[str, Any], processes: str) -> None:
        self.add(
            name, loaded["per_second"], "searches/s",
            note=f"20 callers over HTTP, one version each, {processes}; p95 {_quantile(loaded['latencies'], 0.95) * 1000:.0f} ms; "
            f"{loaded['failed']} failed; server, PostgreSQL and callers share {os.cpu_count()} cores: CPU bounds it",
        )  # fmt: skip

    @contextmanager
    def _served(self, *arguments: str) -> Generator[None]:
        """A server over HTTP, ready."""
        environment = {
            **os.environ,
            "ROOKERY_DATA_DIR": str(self.settings.data_dir),
            "ROOKERY_LOG_LEVEL": "error",
        }
        command = [sys.executable, "-m", "rookery_docs", "--transport", "http", "--port", str(_PORT)]
        server = subprocess.Popen([*command, *arguments], env=environment, stderr=subprocess.DEVNULL)
        try:
            _wait_until_ready(server)
            yield
        finally:
            server.terminate()
            server.wait(timeout=30)

    def _load(self, callers: int, seconds: float, arguments: list[dict[str, Any]]) -> dict[str, Any]:
        _say(f"{callers} callers over HTTP for {seconds:.0f} s")
        file = self.folder / "arguments.json"
        file.write_text(json.dumps(arguments))
        url = f"http://127.0.0.1:{_PORT}/mcp"
        command = [sys.executable, "-m", "bench.docs.load", url, str(callers), str(seconds), str(file)]
        return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def edited(pages: dict[str, bytes], seed: int) -> dict[str, bytes]:
    """The pages with a sentence changed in some, the same for the same seed."""
    chance = random.Random(seed)
    changed = dict(pages)
    for path in sorted(pages):
        if chance.random() < EDITED_SHARE:
            stops = [match.start() for match in re.finditer(rb"\.\s", pages[path])]
            if stops:
                at = chance.choice(stops)
                changed[path] = (
                    pages[path][:at] + f" (edit {chance.randrange(10**6)})".encode() + pages[path][at:]
                )
    return changed


def _source(prefix: str, corpus: Corpus) -> str:
    return prefix + "-" + re.sub(r"[^a-z0-9]+", "-", corpus.name.lower()).strip("-")


def _quantile(values: Sequence[float], share: float) -> float:
    return statistics.quantiles(values, n=100)[round(share * 100) - 1]


def _say(stage: str) -> None:
    print(f"bench.docs: {time.monotonic() - _BEGAN:4.0f} s  {stage} ...", file=sys.stderr, flush=True)


def _wait_until_ready(server: subprocess.Popen[bytes]) -> None:
    import httpx2

    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and server.poll() is None:
        try:
            if httpx2.get(f"http://127.0.0.1:{_PORT}/ready", timeout=5).status_code == 200:
                return
        except httpx2.TransportError:
            pass
        time.sleep(0.2)
    raise RuntimeError("the server did not become ready")


async def measure(places: list[Path], files: list[Path]) -> list[Result]:
    """Everything, in order."""
    corpora = [corpus for place in places for corpus in read_corpora(place)]
    names = [corpus.name for corpus in corpora]
    if twice := {name for name in names if names.count(name) > 1}:
        raise NotReadable(f"DOCS: {min(twice)} names two corpora; rename one.")
    judgments = read_judgments(files, corpora)
    for corpus in corpora:
        judgments.setdefault(corpus.name, []).extend(derived(corpus))
    folder = Path(tempfile.mkdtemp(prefix="bench-docs-"))
    try:
        bench = Bench(CoreSettings(data_dir=folder / "data"), folder)
        versions = await bench.imports(corpora)
        await bench.retrieval(corpora, judgments)
        asked = [row.query for rows in judgments.values() for row in rows if row.kind in TARGETS] or [
            "create index",
            "slow queries",
            "backup",
        ]
        queries = random.Random(SEED).sample(asked, min(200, len(asked)))
        _say("searching under a version filter")
        await bench.recall(versions, queries)
        bench.http(versions, queries)
        return bench.results
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def main() -> int:
    """Read DOCS (folders or archives, of one version or several) and QRELS (judgments), each separated by commas, measure,
    print and write the results."""
    named = os.environ.get("DOCS", "")
    places = [Path(part) for part in named.split(",") if part] or [SAMPLE]
    files = [Path(part) for part in os.environ.get("QRELS", "").split(",") if part]
    missing = [str(path) for path in [*places, *files] if not path.exists()]
    if missing:
        print(f"bench.docs: not found: {', '.join(missing)}.", file=sys.stderr)
        return 2
    if not named:
        print("DOCS is not set: measuring the demo's handbook, which is small.", file=sys.stderr)
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    try:
        results = asyncio.run(measure(places, files))
    except NotReadable as error:
        print(f"bench.docs: {error}", file=sys.stderr)
        return 2
    write("docs", results)
    show(results, "Documentation search")
    return 0


if __name__ == "__main__":
    sys.exit(main())
