"""`rookery doctor` names causes: others send people to it for that."""

from __future__ import annotations

import socket
from pathlib import Path

from pydantic import SecretStr

from rookery.doctor.database import check_database
from rookery.doctor.findings import Examined
from rookery.doctor.servers import check_servers
from rookery.settings import AgentSettings


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
