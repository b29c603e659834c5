"""What the tests of the agent share: a scripted model, and an agent over the sample server."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from emulators.models.scripted import MakeAgent, ScriptedModel, Turn
from rookery.agent import Agent
from rookery.settings import AgentSettings
from rookery_core.mcp.configuration import NamedServer, ServerEntry
from rookery_core.mcp.server_group import ServerGroup

SAMPLE = str(Path(__file__).with_name("sample_server.py"))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def group() -> AsyncIterator[ServerGroup]:
    """The sample server over stdio, started once for a module."""
    async with ServerGroup(
        [NamedServer("sample", ServerEntry(command=sys.executable, args=(SAMPLE,)))]
    ) as started:
        assert not started.down()
        yield started


@pytest.fixture
def make_agent(group: ServerGroup, tmp_path: Path) -> MakeAgent:
    """An agent over the sample server, with a model that says these turns."""

    def make(
        *turns: Turn,
        agent_class: type[Agent] = Agent,
        model: Any = None,
        context_key: str | None = None,
        **settings: Any,
    ) -> tuple[Agent, ScriptedModel]:
        scripted = model or ScriptedModel(list(turns))
        read = AgentSettings(data_dir=tmp_path, traces=False, **settings)
        return agent_class(read, group, scripted, context_key=context_key), scripted

    return make
