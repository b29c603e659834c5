"""`rookery extract`: draw facts from the conversations that the memory server stores."""

from __future__ import annotations

import argparse
import asyncio
import sys

from rookery.commands.options import Subparsers, add_agent_options, add_parser, agent_settings

_EPILOG = """\
Works until it is stopped: whenever turns are stored with the memory server's add_turns, a model reads them, and what is
worth knowing later is remembered for the person whose conversation it is. `rookery slack` does the same beside its
answers. Needs a model (ANTHROPIC_API_KEY or OPENAI_API_KEY). What it costs stands in `rookery trace`.

examples:
  rookery extract
  rookery extract --model anthropic:claude-haiku-4-5
  rookery queue stats                              how much waits

exit status: 0 stopped by a signal; 2 settings must be changed; 69 the database is not reachable.
"""


def add_commands(subparsers: Subparsers) -> None:
    """Add `extract` to a command line."""
    parser = add_parser(subparsers, "extract", "draw facts from stored conversations, with a model", _EPILOG)
    add_agent_options(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Work until SIGTERM or SIGINT."""
    asyncio.run(_run(arguments))
    return 0


async def _run(arguments: argparse.Namespace) -> None:
    from rookery.agent import open_agent
    from rookery.extraction.composition import AT_ONCE, extraction_handlers
    from rookery.mcp.memory_client import AUDIENCE
    from rookery_core.database import Database
    from rookery_core.errors import ConfigurationError
    from rookery_core.queue import Queue, Worker

    settings = agent_settings(arguments)
    async with (
        await Database.open(settings, role="rookery_agent", application_name="rookery extract") as database,
        open_agent(settings, audiences={AUDIENCE}) as agent,
    ):
        queue = Queue(database, team=settings.team)
        handlers = await extraction_handlers(agent, queue)
        if not handlers:
            raise ConfigurationError(
                "Facts cannot be drawn from conversations here.",
                hint="It takes a model (ANTHROPIC_API_KEY or OPENAI_API_KEY), the memory server in mcp.json, and "
                "extract_facts = true in rookery.toml (the default).",
            )
        print(f"drawing facts with {agent.model.name}; stop with Ctrl-C", file=sys.stderr)
        await Worker(queue, handlers, concurrency=AT_ONCE).run()
