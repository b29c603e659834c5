"""An agent with a tool that runs in this process, and a link in its answer that the tool returned.

    python examples/custom_agent.py

So that it runs without a key, the model here is a few lines of Python. With a key, replace the two lines that build the
agent by `async with open_agent(settings) as agent:` (see docs/customising.md).
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from rookery.agent import Agent, LocalTool, Question
from rookery.models.protocol import Listener, ModelReply, ModelRequest, Text, ToolResult, ToolUse
from rookery.settings import AgentSettings
from rookery.usage import Usage
from rookery_core.mcp.server_group import ServerGroup

STATUS_PAGE = "https://status.acme.example/services"


async def service_status(arguments: Mapping[str, Any]) -> Mapping[str, Any]:
    """A real one would ask the monitoring system."""
    service = str(arguments["service"])
    return {"service": service, "state": "degraded", "permalink": f"{STATUS_PAGE}/{service}"}


STATUS_TOOL = LocalTool(
    name="service_status",
    description="The current state of a service, with a link to its status page.",
    parameters={"type": "object", "properties": {"service": {"type": "string"}}, "required": ["service"]},
    run=service_status,
)


class OneToolModel:
    """Calls the tool once, then answers from its result."""

    name = "example:one-tool"
    context_tokens = 100_000
    extractive = False

    async def reply(self, request: ModelRequest, listener: Listener) -> ModelReply:
        results = [b for m in request.messages for b in m.blocks if isinstance(b, ToolResult)]
        usage = Usage(input_tokens=100, output_tokens=10, requests=1)
        if not results:
            call = ToolUse(id="1", name=STATUS_TOOL.name, arguments={"service": "billing"})
            return ModelReply(blocks=(call,), stop="tool_use", usage=usage, model=self.name)
        answer = f"Billing is [degraded]({STATUS_PAGE}/billing), not [down](https://elsewhere.example/)."
        return ModelReply(blocks=(Text(answer),), stop="end", usage=usage, model=self.name)

    async def close(self) -> None:
        return


async def main() -> None:
    settings = AgentSettings.from_environment(traces="off")
    async with ServerGroup([]) as no_servers:
        agent = Agent(settings, no_servers, OneToolModel())
        agent.add_tool(STATUS_TOOL)
        answer = await agent.answer(Question(text="Is billing working?"))
    print(answer.markdown)
    print("sources:", [citation.permalink for citation in answer.citations])
    print("links removed:", answer.removed_links)


if __name__ == "__main__":
    asyncio.run(main())
