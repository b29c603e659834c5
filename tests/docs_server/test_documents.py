"""get_document, compare_versions, the older names, and the published interface."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
from fastmcp.exceptions import ToolError

Connect = Callable[[], Any]


async def read(client: Any, page: str, **arguments: Any) -> dict[str, Any]:
    return (await client.call_tool("get_document", {"page": page, **arguments})).structured_content


@pytest.mark.usefixtures("manual")
async def test_a_page_is_found_by_url_name_and_anchor(connect: Connect) -> None:
    async with connect() as client:
        by_url = await read(client, "https://docs.example.org/manual/1/resources.html#GUC-WORK-MEM")
        assert by_url["version"] == "1" and "**`work_mem` (`integer`)**" in by_url["text"]
        assert by_url["url"].endswith("resources.html#GUC-WORK-MEM")
        by_name = await read(client, "resources")
        assert by_name["version"] == "2" and "shared_buffers" in by_name["text"]
        by_anchor = await read(client, "LOCKING-DEADLOCKS")
        assert by_anchor["page"] == "locks.html"
        section = await read(client, "locks.html", section="Deadlocks")
        assert "likelihood" in section["text"]
        with pytest.raises(ToolError, match="no anchor or heading"):
            await read(client, "locks.html", section="nowhere")
        with pytest.raises(ToolError, match=r"resources\.html"):
            await read(client, "resource.html")
        with pytest.raises(ToolError, match=r"resources\.html"):
            await read(client, "resuorces.html")


@pytest.mark.usefixtures("manual")
async def test_a_long_page_is_read_in_parts_that_make_the_whole(connect: Connect, fill: Any) -> None:
    paragraphs = "".join(
        f"<h2>Part {n}</h2><p>{'Sentence number ' + str(n) + '. '}</p>" * 6 for n in range(40)
    )
    await fill("2", {"long.html": f"<main><h1>Long</h1>{paragraphs}</main>"}, source="other")
    async with connect() as client:
        whole = await read(client, "long.html", max_tokens=50_000)
        assert whole["omitted_tokens"] == 0 and whole["next_cursor"] is None
        parts: list[str] = []
        cursor = None
        while True:
            answer = await read(client, "long.html", max_tokens=300, cursor=cursor)
            assert len(answer["text"]) <= 300 * 4 + 4
            parts.append(answer["text"])
            cursor = answer["next_cursor"]
            if cursor is None:
                break
        assert len(parts) > 2
        assert "".join("".join(parts).split()) == "".join(whole["text"].split())
        with pytest.raises(ToolError, match="other arguments"):
            await read(
                client,
                "resources.html",
                cursor=(await read(client, "long.html", max_tokens=300))["next_cursor"],
            )


@pytest.mark.usefixtures("manual")
async def test_what_changed_between_versions(connect: Connect) -> None:
    async with connect() as client:
        arguments = {"topic": "work_mem", "from_version": "1", "to_version": "2", "source": "manual"}
        answer = (await client.call_tool("compare_versions", arguments)).structured_content
        page = next(page for page in answer["pages"] if page["page"] == "resources.html")
        assert page["state"] == "changed"
        [change] = page["changes"]
        assert "since long ago" in change["after"] and "since long ago" not in change["before"]
        assert change["url"] == "https://docs.example.org/manual/2/resources.html#GUC-WORK-MEM"
        assert {other["state"] for other in answer["pages"] if other is not page} <= {"unchanged"}
        with pytest.raises(ToolError, match="to_version must differ"):
            await client.call_tool("compare_versions", {**arguments, "to_version": "1"})


async def test_the_names_that_earlier_clients_call(connect: Connect, fill: Any) -> None:
    await fill(
        "17",
        {"backup.html": "<main><h1 id='B'>Backup</h1><p>Dump the database to a file.</p></main>"},
        source="postgres",
    )
    await fill(
        "latest", {"hyper.html": "<main><h1>Hypertables</h1><p>Time series.</p></main>"}, source="tiger"
    )
    async with connect() as client:
        for name, arguments in (
            ("semantic_search_postgres_docs", {"prompt": "saving a database", "version": 17, "limit": 3}),
            ("semantic_search_tiger_docs", {"prompt": "time series", "limit": 3}),
        ):
            [result] = (await client.call_tool(name, arguments)).structured_content["results"]
            assert set(result) == {"id", "content", "metadata", "distance"}
            assert 0 <= result["distance"] <= 2
            assert result["metadata"]["source_url"].startswith("https://docs.example.org/manual/")
        template = (
            await client.call_tool("get_prompt_template", {"name": "schema_design"})
        ).structured_content
        assert template["content"].startswith("# Designing tables")


@pytest.mark.usefixtures("manual")
async def test_a_version_that_is_not_there_is_answered_with_what_the_tool_takes(
    connect: Connect, fill: Any
) -> None:
    await fill("17", {"a.html": "<main><h1>A</h1><p>Text.</p></main>"}, source="postgres")
    async with connect() as client:
        with pytest.raises(ToolError, match="17") as refused:
            await client.call_tool("semantic_search_postgres_docs", {"prompt": "a", "version": 12})
        assert "all" not in str(refused.value).split()


@pytest.mark.usefixtures("manual")
async def test_an_interrupted_first_import_counts_as_far_as_it_came(
    connect: Connect, owner_connection: Any
) -> None:
    await owner_connection.execute(
        "update docs.version set imported_at = null, pages = 0 where version = '2'"
    )

    async def pages() -> dict[str, int]:
        async with connect() as client:
            sources = (await client.call_tool("list_sources", {})).structured_content["sources"]
            return {version["version"]: version["pages"] for version in sources[0]["versions"]}

    whole = await pages()
    assert whole["2"] == whole["1"] > 0
    await owner_connection.execute("delete from docs.page where version = '2'")
    assert await pages() == {"1": whole["1"]}
    async with connect() as client:
        found = (await client.call_tool("search_docs", {"query": "work_mem"})).structured_content
        assert found["searched"] == ["manual 1"] and found["results"]


async def test_guides_as_tool_and_as_prompts(connect: Connect) -> None:
    async with connect() as client:
        listed = (await client.call_tool("view_guide", {})).structured_content["content"]
        prompts = [prompt.name for prompt in await client.list_prompts()]
        assert len(prompts) >= 8
        assert all(f"- {name}: " in listed for name in prompts)
        prompt = await client.get_prompt("pgvector", {"task": "search tickets"})
        assert "The task: search tickets" in prompt.messages[0].content.text


async def test_the_interface_is_small_typed_and_read_only(connect: Connect) -> None:
    async with connect() as client:
        tools = await client.list_tools()
    listed = [tool.model_dump(mode="json", by_alias=True, exclude_none=True) for tool in tools]
    assert len(json.dumps(listed, separators=(",", ":"))) / 4 <= 3_000
    for tool in tools:
        assert tool.annotations is not None
        assert tool.annotations.read_only_hint
        assert tool.description and tool.output_schema


def test_the_server_loads_nothing_heavy_before_it_is_asked() -> None:
    code = (
        "import sys, rookery_docs.__main__\n"
        "heavy = {'numpy', 'asyncpg', 'wordllama', 'openai', 'Stemmer', 'lxml'} & set(sys.modules)\n"
        "sys.exit(', '.join(sorted(heavy)) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
