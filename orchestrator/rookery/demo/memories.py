"""Something for the memory server to remember, so that a question can be answered from it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from rookery.agent.links import LinkAllowlist
from rookery.agent.tool_calls import CallLimits, ToolRunner
from rookery.agent.tool_policy import ToolPolicy
from rookery.models.protocol import ToolUse
from rookery_core.telemetry import get_logger

if TYPE_CHECKING:
    from rookery.agent import Agent
    from rookery_core.mcp.server_group import OfferedTool

logger = get_logger(__name__)
_TEXT_PARAMETERS = ("text", "content", "fact", "memory")


async def remember(agent: Agent, fact: str) -> bool:
    """Have the memory server remember the fact once. Returns whether it did, or had done so before."""
    tools = agent.servers.tools()
    offered = next((each for name, each in tools.items() if name.endswith("remember")), None)
    arguments = offered and _arguments(offered, fact)
    if offered is None or arguments is None:
        return False
    allowlist = LinkAllowlist()
    runner = ToolRunner(
        offered={offered.name: offered},
        local={},
        limits=CallLimits(timeout_s=30, output_tokens=1000, parallel=1),
        policy=ToolPolicy(allowlist),
        allowlist=allowlist,
        caller=_nobody(),
        trace_id="demo",
        nonce="demo",
    )
    result = (await runner.run([ToolUse("remember", offered.name, arguments)]))[0]
    if result.is_error:
        logger.warning("the memory server did not remember: %s", result.text)
    return not result.is_error


def _arguments(offered: OfferedTool, fact: str) -> dict[str, Any] | None:
    """The arguments by the tool's own schema."""
    schema = offered.tool.input_schema
    properties = cast(dict[str, Any], schema.get("properties", {}))
    text = next((name for name in _TEXT_PARAMETERS if name in properties), None)
    if text is None:
        return None
    known = {
        text: fact,
        "key": "release-captain",
        "scope": "local",
        "idempotency_key": "demo-release-captain",
    }
    return {name: value for name, value in known.items() if name in properties}


def _nobody() -> Any:
    from rookery_core.identity import Caller

    return Caller()
