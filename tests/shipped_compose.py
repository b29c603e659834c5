"""compose.yaml as it is shipped, without containers: its commands, environments and configuration as processes."""

from __future__ import annotations

import asyncio
import json
import os
import re
import sys
from collections.abc import AsyncGenerator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import yaml

from loopback import free_port

ROOT = Path(__file__).parents[1]
BIN = Path(sys.executable).parent
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))
SERVERS = ("slack", "docs", "github", "memory")
_VARIABLE = re.compile(r"\$\$|\$\{([A-Z0-9_]+)(?::([-?])([^}]*))?\}")


def interpolated(text: str, env_file: Mapping[str, str]) -> str:
    """The text as Docker Compose reads it with this .env. Raises KeyError for a required variable without a value."""

    def value(match: re.Match[str]) -> str:
        name, operator, rest = match.groups()
        if name is None:
            return "$"
        if found := env_file.get(name):
            return found
        if operator == "?":
            raise KeyError(name)
        return rest if operator == "-" else ""

    return _VARIABLE.sub(value, text)


def environment_of(service: str, env_file: Mapping[str, str]) -> dict[str, str]:
    """The variables of a service's container."""
    return {
        name: interpolated(str(value), env_file)
        for name, value in COMPOSE["services"][service]["environment"].items()
    }


@dataclass(frozen=True, slots=True)
class Deployment:
    """The servers of compose.yaml as they run. bot: the environment of the bot's process, mcp.json included."""

    ports: Mapping[str, int]
    bot: Mapping[str, str]


@asynccontextmanager
async def deployed(
    folder: Path, env_file: Mapping[str, str], database_url: str, *servers: str, **more: str
) -> AsyncGenerator[Deployment]:
    """The named servers (default: all four) as processes, by compose.yaml.

    What is changed: the address to listen on, the name of the database's host, and `more` variables.
    """
    common = {"PATH": os.environ["PATH"], "HOME": str(folder), "DATABASE_URL": database_url, **more}
    ports = {name: free_port() for name in servers or SERVERS}
    async with AsyncExitStack() as stack:
        for name, port in ports.items():
            variables = {**environment_of(name, env_file), **common}
            await stack.enter_async_context(_running(name, port, variables))
        mcp = folder / "mcp.json"
        mcp.write_text(_mcp_json(ports, env_file))
        bot = {**environment_of("bot", env_file), **common, "ROOKERY_MCP_CONFIG": str(mcp)}
        yield Deployment(ports, bot)


def _mcp_json(ports: Mapping[str, int], env_file: Mapping[str, str]) -> str:
    """The bot's mcp.json, with the addresses that containers have replaced by those of the processes."""
    document = json.loads(interpolated(COMPOSE["configs"]["mcp"]["content"], env_file))
    for entry in document["mcpServers"].values():
        name = re.fullmatch(r"http://(\w+):8000/mcp", entry["url"])
        assert name
        if name[1] in ports:
            entry["url"] = f"http://127.0.0.1:{ports[name[1]]}/mcp"
        else:
            entry["disabled"] = True
    return json.dumps(document)


@asynccontextmanager
async def _running(name: str, port: int, variables: Mapping[str, str]) -> AsyncGenerator[None]:
    command: list[str] = list(COMPOSE["services"][name]["command"])
    assert command[command.index("--host") + 1] == "0.0.0.0"
    command[command.index("--host") + 1] = "127.0.0.1"
    command[command.index("--port") + 1] = str(port)
    process = await asyncio.create_subprocess_exec(
        BIN / command[0], *command[1:], env=dict(variables), stderr=asyncio.subprocess.DEVNULL
    )
    try:
        async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
            while not await _ready(client):
                assert process.returncode is None, f"{name} has ended"
                await asyncio.sleep(0.05)
        yield
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


async def _ready(client: httpx2.AsyncClient) -> bool:
    try:
        return (await client.get("/ready")).status_code == 200
    except httpx2.TransportError:
        return False
