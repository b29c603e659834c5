"""`rookery doctor` names causes: others send people to it for that."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from rookery.doctor.database import check_database
from rookery.doctor.findings import Examined
from rookery.doctor.holdings import empty_store_remedy
from rookery.doctor.servers import check_servers
from rookery.settings import AgentSettings
from rookery_core.settings import CoreSettings


async def test_a_server_that_is_not_there_is_named_with_its_cause() -> None:
    with socket.socket() as taken:  # bound and not listening: nobody else can listen there meanwhile
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        url = SecretStr(f"postgresql://somebody:s3cret@127.0.0.1:{port}/x")
        (finding,) = await check_database(Examined(AgentSettings(database_url=url)))
    assert finding.state == "fail"
    assert str(port) in finding.message
    assert "s3cret" not in finding.message
    assert finding.remedy == "Start the server, or correct host and port in DATABASE_URL."


async def test_a_misspelt_key_of_a_server_comes_with_its_remedy(tmp_path: Path) -> None:
    path = tmp_path / "mcp.json"
    path.write_text('{"mcpServers": {"slack": {"command": "rookery-slack", "internal_onyl": true}}}')
    (finding,) = await check_servers(Examined(AgentSettings(mcp_config=path)))
    assert (finding.area, finding.state) == ("mcp.json", "fail")
    assert "server 'slack': unknown key 'internal_onyl'" in finding.message
    assert finding.remedy.startswith("Did you mean: internal_only? Allowed keys: allowed_tools,")
    path.write_text('{"mcpServers": {')
    (finding,) = await check_servers(Examined(AgentSettings(mcp_config=path)))
    assert "missing comma, quote or bracket" in finding.remedy


async def test_it_begins_with_what_is_held_and_says_how_an_empty_store_is_filled(
    owner_dsn: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    findings = await check_database(Examined(AgentSettings(database_url=SecretStr(owner_dsn))))
    assert (findings[0].area, findings[0].state) == ("data", "warn")
    assert "the store is empty: 0 documentation sources, 0 pages" in findings[0].message
    assert owner_dsn.partition("@")[0].rpartition(":")[2] not in findings[0].message
    assert "`rookery-ingest slack import export.zip`" in findings[0].remedy
    assert findings[1].message == "wordllama-l2-supercat-256-p1, computed on this machine"


async def test_it_names_what_is_held_and_what_search_by_meaning_cannot_find(
    settings: CoreSettings, owner_dsn: str, owner_connection: Any
) -> None:
    await owner_connection.execute(
        "insert into memory.memory (team, id, scope, content, content_hash, document) values "
        "($1, gen_random_uuid(), 'team', 'x', uuid_send(gen_random_uuid()), to_tsvector('x'))",
        settings.team,
    )
    findings = await check_database(Examined(AgentSettings(database_url=SecretStr(owner_dsn))))
    assert (findings[0].area, findings[0].state) == ("data", "ok")
    assert "1 memory" in findings[0].message
    (vectors,) = [finding for finding in findings if finding.area == "vectors"]
    assert vectors.message == "1 of the memories have no vector: found by their words alone"
    assert "rookery-ingest worker" in vectors.remedy


async def test_an_empty_store_beside_a_demo_names_the_demos_folder(
    monkeypatch: pytest.MonkeyPatch, settings: CoreSettings, tmp_path: Path
) -> None:
    demo = tmp_path / ".rookery" / "demo"
    demo.mkdir(parents=True)
    (demo / "mcp.json").write_text("{}")
    monkeypatch.chdir(tmp_path)
    remedy = empty_store_remedy(AgentSettings())
    assert f"ROOKERY_DATA_DIR={demo}" in remedy
    assert "ROOKERY_DATA_DIR" not in empty_store_remedy(AgentSettings(database_url=settings.database_url))
