"""How every server is built and run: tools in, FastMCP out, over stdio or HTTP."""

from rookery_core.serving import quiet as _quiet

_quiet.silence_fastmcp()

from rookery_core.serving.application import ServerSpec, ToolSpec, build_server, tool
from rookery_core.serving.commandline import ServeArguments, run
from rookery_core.serving.selection import Choice, Selection

__all__ = [
    "Choice",
    "Selection",
    "ServeArguments",
    "ServerSpec",
    "ToolSpec",
    "build_server",
    "run",
    "tool",
]
