"""How every server is built and run: tools in, FastMCP out, over stdio or HTTP."""

from rookery_core.serving import fastmcp_settings as _fastmcp_settings

_fastmcp_settings.set_defaults()

from rookery_core.serving.app import STDIO, BuiltServer, ServeArguments, ServerApp
from rookery_core.serving.application import ServerSpec, ToolSpec, create_server, tool
from rookery_core.serving.selection import Choice, Selection, choice_of

__all__ = [
    "STDIO",
    "BuiltServer",
    "Choice",
    "Selection",
    "ServeArguments",
    "ServerApp",
    "ServerSpec",
    "ToolSpec",
    "choice_of",
    "create_server",
    "tool",
]
