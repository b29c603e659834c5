"""search_docs over a real store."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

import pytest
from fastmcp import Client
from fastmcp.exceptions import ToolError

from rookery_docs.server import build_server

Connect = Callable[[], Any]


async def search(client: Any, query: str, **arguments: Any) -> dict[str, Any]:
    answer = await client.call_tool("search_docs", {"query": query, **arguments})
    return answer.structured_content


async def first(client: Any, query: str, **arguments: Any) -> str:
    found = await search(client, query, **arguments)
    return found["results"][0]["passages"][0]["url"].rsplit("/", 1)[-1]


@pytest.mark.usefixtures("manual")
async def test_questions_identifiers_codes_errors_and_synonyms(connect: Connect) -> None:
    async with connect() as client:
        assert await first(client, "work_mem") == "resources.html#GUC-WORK-MEM"
        assert (
            await first(client, "how much memory may a sort use before it goes to disk?")
            == "resources.html#GUC-WORK-MEM"
        )
        assert await first(client, "40P01") == "errors.html#ERRCODES"
        assert await first(client, "CREATE INDEX CONCURRENTLY") == "sql-createindex.html#INDEX"
        assert (await first(client, "upsert")).startswith("sql-insert.html")
        assert (await first(client, "auto-increment")).startswith("numeric.html")
        pasted = "ERROR:  deadlock detected\nDETAIL:  Process 1 waits for ShareLock on transaction 2; blocked by process 3."
        assert (await first(client, pasted)).startswith(("locks.html", "errors.html"))


@pytest.mark.usefixtures("manual")
async def test_a_misspelt_word_is_corrected_and_said_so(connect: Connect) -> None:
    async with connect() as client:
        found = await search(client, "concurently")
        assert found["corrected"] == {"concurently": "concurrently"}
        assert found["results"][0]["page"] == "sql-createindex.html"


@pytest.mark.usefixtures("manual")
async def test_the_newest_version_is_searched_unless_another_is_named(connect: Connect) -> None:
    async with connect() as client:
        newest = await search(client, "work_mem")
        assert newest["searched"] == ["manual 2"]
        assert {page["version"] for page in newest["results"]} == {"2"}
        older = await search(client, "work_mem", version="1")
        assert {page["version"] for page in older["results"]} == {"1"}
        every = await search(client, "work_mem", version="all")
        assert every["searched"] == ["manual 2", "manual 1"]
        assert every["results"][0]["version"] == "2" and every["results"][0]["also_in"] == ["1"]
        names = [page["page"] for page in every["results"]]
        assert len(names) == len(set(names))


@pytest.mark.usefixtures("manual")
async def test_release_notes_come_behind_what_describes_the_present(connect: Connect) -> None:
    async with connect() as client:
        found = await search(client, "work_mem default")
        names = [page["page"] for page in found["results"]]
        assert names.index("resources.html") < names.index("release-2.html")


@pytest.mark.usefixtures("manual")
async def test_pages_follow_without_gap_or_repetition(connect: Connect) -> None:
    async with connect() as client:
        whole = [
            page["page"] for page in (await search(client, "memory lock index rows", limit=50))["results"]
        ]
        seen: list[str] = []
        cursor = None
        while True:
            answer = await search(client, "memory lock index rows", limit=2, cursor=cursor)
            seen += [page["page"] for page in answer["results"]]
            cursor = answer["next_cursor"]
            if cursor is None:
                break
        assert seen == whole and len(seen) == len(set(seen)) > 2
        first_page = await search(client, "memory lock index rows", limit=2)
        with pytest.raises(ToolError, match="other arguments"):
            await search(client, "something else", cursor=first_page["next_cursor"])
        with pytest.raises(ToolError, match="must be a next_cursor"):
            await search(client, "memory", cursor="nonsense")


@pytest.mark.usefixtures("manual")
async def test_an_answer_stays_within_its_tokens(connect: Connect) -> None:
    async with connect() as client:
        for limit in (200, 400, 1000):
            answer = await client.call_tool(
                "search_docs", {"query": "memory query lock", "max_tokens": limit}
            )
            assert len(answer.content[0].text) / 4 <= limit + 100


@pytest.mark.usefixtures("manual")
async def test_modes(connect: Connect) -> None:
    async with connect() as client:
        words = await search(client, "work_mem", mode="keyword")
        assert words["results"][0]["passages"][0]["distance"] is None
        meaning = await search(client, "memory for sorting", mode="semantic")
        assert meaning["results"][0]["passages"][0]["distance"] is not None
        with pytest.raises(ToolError, match="semantic_weight"):
            await search(client, "x", mode="keyword", semantic_weight=0.5)


@pytest.mark.usefixtures("manual")
async def test_what_is_not_there_is_refused_with_what_is(connect: Connect) -> None:
    async with connect() as client:
        with pytest.raises(ToolError, match=r"manual"):
            await search(client, "x", source="manul")
        with pytest.raises(ToolError, match=r'"candidates": \["2", "1"\]'):
            await search(client, "x", version="9")


async def test_an_empty_store_says_what_to_do(connect: Connect) -> None:
    async with connect() as client:
        with pytest.raises(ToolError, match="rookery-ingest docs"):
            await search(client, "anything")
        assert (await client.call_tool("list_sources", {})).data.sources == []


async def test_a_version_filter_loses_no_page(connect: Connect, fill: Any) -> None:
    """Of five versions with the same words, twenty pages asked of one are twenty pages of that one."""
    for version in ("14", "15", "16", "17", "18"):
        await fill(
            version,
            {
                f"p{n}.html": f"<main><h1>Topic {n}</h1><p>About wal number {n} {version}.</p></main>"
                for n in range(25)
            },
        )
    async with connect() as client:
        for version in ("14", "16", "18"):
            answer = await search(client, "wal", version=version, limit=20, max_tokens=20_000)
            assert len(answer["results"]) == 20
            assert {page["version"] for page in answer["results"]} == {version}


async def test_a_new_import_is_seen_by_a_running_server(
    connect: Connect, fill: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rookery_docs.search.cache.RELOAD_PAUSE_S", 0.0)
    await fill("1", {"a.html": "<main><h1>Apples</h1><p>Red.</p></main>"})
    async with connect() as client:
        assert (await search(client, "apples"))["results"][0]["page"] == "a.html"
        await fill(
            "1",
            {"a.html": "<main><h1>Apples</h1><p>Red.</p></main>", "b.html": "<main><h1>Pears</h1></main>"},
        )
        assert (await search(client, "pears"))["results"][0]["page"] == "b.html"


async def test_another_team_sees_nothing(fill: Any, docs_settings: Any) -> None:
    await fill("1", {"a.html": "<main><h1>Apples</h1></main>"})
    server = build_server(docs_settings.model_copy(update={"team": "other"})).server
    async with Client(server) as client:
        assert (await client.call_tool("list_sources", {})).data.sources == []


class RerankEndpoint(BaseHTTPRequestHandler):
    """Prefers the document that contains the word of `favourite`."""

    favourite = ""
    requests: ClassVar[list[dict[str, Any]]] = []

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.requests.append(asked)
        scores = [float(self.favourite in document) for document in asked["documents"]]
        results = [{"index": number, "relevance_score": score} for number, score in enumerate(scores)]
        body = json.dumps({"results": results} if self.favourite else {"error": "none"}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.mark.usefixtures("manual")
async def test_a_reranker_orders_the_best_pages_and_may_fail(
    docs_settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), RerankEndpoint)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    url = f"http://127.0.0.1:{server.server_address[1]}/rerank"
    mcp = build_server(
        docs_settings.model_copy(update={"docs_rerank_url": url, "docs_rerank_model": "m"})
    ).server
    async with Client(mcp) as client:
        monkeypatch.setattr(RerankEndpoint, "favourite", "likelihood")
        assert (await search(client, "memory lock"))["results"][0]["page"] == "locks.html"
        assert (
            RerankEndpoint.requests[0]["model"] == "m"
            and RerankEndpoint.requests[0]["query"] == "memory lock"
        )
        monkeypatch.setattr(RerankEndpoint, "favourite", "")
        assert (await search(client, "work_mem"))["results"][0]["page"] == "resources.html"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.mark.usefixtures("manual")
async def test_nothing_fits_made_up_words_and_the_answer_says_so(connect: Connect) -> None:
    async with connect() as client:
        found = await search(client, "zzqqxx")
        assert found["results"] == []
        assert found["note"].startswith("nothing fits")


@pytest.mark.usefixtures("manual")
async def test_no_score_is_above_one_and_an_empty_query_is_refused(connect: Connect) -> None:
    async with connect() as client:
        for query in ("work_mem", "CREATE INDEX CONCURRENTLY", "upsert"):
            found = await search(client, query)
            scores = [page["score"] for page in found["results"]]
            scores += [passage["score"] for page in found["results"] for passage in page["passages"]]
            assert all(0 <= score <= 1 for score in scores)
        with pytest.raises(ToolError, match="query must not be empty"):
            await search(client, "  ")
