"""`rookery doctor` names causes: others send people to it for that."""

from __future__ import annotations

import socket

from pydantic import SecretStr

from rookery.doctor.database import check_database
from rookery.doctor.finding import Examined
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
