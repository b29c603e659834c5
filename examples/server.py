"""A complete server of one tool. `python examples/server.py` over stdio, with `--transport http` as a service.

Bounds are in the schema, pages fit a token budget, a cursor is bound to its call, foreign text is fenced.
"""

import sys
from typing import Annotated

from pydantic import BaseModel, Field

from rookery_core.errors import NotFound
from rookery_core.serving import BuiltServer, ServeArguments, ServerApp, ServerSpec, create_server, tool
from rookery_core.serving.arguments import Cursor, Limit, MaxTokens
from rookery_core.serving.paging import Page
from rookery_core.settings import CoreSettings
from rookery_core.suggestions import suggest
from rookery_core.text import explain_fence, fence, new_nonce

NOTES = {
    "restores": ["Stop the replica.", "Run `restore --at TIME` as operator.", "Start the replica."],
    "deploys": ["Deploys run on weekdays between 10:00 and 16:00 UTC."],
}


class Notes(BaseModel):
    """One page of notes."""

    notice: str
    notes: list[str]
    next_cursor: str | None


async def read_notes(
    topic: Annotated[str, Field(description="restores or deploys")],
    limit: Limit = 10,
    max_tokens: MaxTokens = 1000,
    cursor: Cursor = "",
) -> Notes:
    """Read the notes on a topic, in order."""
    if topic not in NOTES:
        raise NotFound(f"topic: there are no notes on {topic!r}.", candidates=suggest(topic, NOTES))
    page, nonce = Page.open("read_notes", [topic], cursor, max_tokens), new_nonce()
    rest = [fence(text, author="ops", kind="member", nonce=nonce) for text in NOTES[topic][page.offset :]]
    shown = page.fill(rest[:limit])
    more = page.next_cursor(more=len(shown) < len(rest))
    return Notes(notice=explain_fence(nonce), notes=shown, next_cursor=more)


def build_server(settings: CoreSettings, arguments: ServeArguments) -> BuiltServer:
    """The server, not started yet."""
    spec, tools = ServerSpec("example-notes", "Notes", "Notes of the operators.", "0.1.0"), [tool(read_notes)]
    return BuiltServer(create_server(spec, tools, settings=settings, as_user=arguments.as_user))


SERVER = ServerApp("example-notes", 8120, "Notes of the operators.", CoreSettings, build_server)

if __name__ == "__main__":
    sys.exit(SERVER.main())
