"""`rookery demo`: a sample workspace, three questions, three cited answers."""

from __future__ import annotations

import argparse
import asyncio
import os
import shlex
import time
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from rookery.commands.options import Subparsers, add_parser

if TYPE_CHECKING:
    from rookery.agent import Agent, Answer, Question
    from rookery.demo.plan import Plan
    from rookery.settings import AgentSettings
    from rookery_core.database import Database
    from rookery_core.queue import Event

_EPILOG = """\
Needs no keys, no Docker and no database: PostgreSQL comes with the installation and keeps its files in .rookery/demo
of the working folder (or in ROOKERY_DATA_DIR). A second run finds everything imported.

examples:
  rookery demo
  rookery demo --question "Why did the forecast run not start?"
  rookery demo --slack-export ~/export.zip --docs ./handbook --question "How do we deploy?"

exit status: 0 every question was answered with a source; 1 one was not.
"""


def add_commands(subparsers: Subparsers) -> None:
    """Add `demo` to a command line."""
    parser = add_parser(
        subparsers, "demo", "a sample workspace, three questions, three cited answers", _EPILOG
    )
    parser.add_argument(
        "--slack-export", type=Path, metavar="PATH", help="your own Slack export: a zip or a folder"
    )
    parser.add_argument(
        "--docs", type=Path, metavar="DIR", help="your own documents: a folder of HTML or Markdown"
    )
    parser.add_argument("--question", action="append", default=[], metavar="TEXT",
                        help="what to ask; may be given several times")  # fmt: skip
    parser.add_argument("--into-database-url", action="store_true",
                        help="import into DATABASE_URL instead of a database of the demo's own")  # fmt: skip
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Import, ask, show. Returns the exit status."""
    from rookery.demo.plan import make_plan

    data_dir = os.environ.get("ROOKERY_DATA_DIR")
    questions = tuple(text.strip() for text in arguments.question if text.strip())
    plan = make_plan(Path(data_dir) if data_dir else None, arguments.slack_export, arguments.docs, questions)
    typed = ""
    if not arguments.into_database_url:
        url = os.environ.pop("DATABASE_URL", None)  # a sample has no place in a database that is in use
        typed = f"{'DATABASE_URL= ' if url else ''}ROOKERY_DATA_DIR={shlex.quote(str(plan.folder))} "
    return asyncio.run(_demo(plan, typed))


async def _demo(plan: Plan, typed: str) -> int:
    from rookery.commands.options import agent_settings
    from rookery.demo import show
    from rookery.setup.files import write_mcp

    started = time.perf_counter()
    plan.folder.mkdir(parents=True, exist_ok=True)
    os.environ["ROOKERY_DATA_DIR"] = str(plan.folder)  # the servers and imports of this demo use its folder
    write_mcp(plan.folder / "mcp.json")
    settings = agent_settings(argparse.Namespace(), mcp_config=plan.folder / "mcp.json")
    show.introduction(plan)
    async with AsyncExitStack() as stack:
        database = await _database(settings, stack)
        agent = await _import_and_start(plan, settings, stack)
        answers = await _questions(plan, settings, database, agent)
    show.farewell(typed, time.perf_counter() - started, any(answer.extractive for answer in answers))
    return 0 if all(answer.citations for answer in answers) else 1


async def _database(settings: AgentSettings, stack: AsyncExitStack) -> Database:
    from rookery.demo import show
    from rookery_core.database import Database

    with show.step("PostgreSQL is up, its schemas are there") as notes:
        database = await Database.open(settings, role="rookery_agent", application_name="rookery demo")
        stack.push_async_callback(database.close)
        notes.append(_describe(database))
    return database


async def _import_and_start(plan: Plan, settings: AgentSettings, stack: AsyncExitStack) -> Agent:
    """Import while the servers start: they need the data with their first call only."""
    from rookery.agent import open_agent
    from rookery.demo import show
    from rookery.demo.imports import import_everything
    from rookery.demo.memories import remember

    with show.step("history and handbook imported, servers started") as notes:
        starting = asyncio.create_task(stack.enter_async_context(open_agent(settings)))
        try:
            for one in await import_everything(plan, {"ROOKERY_DATA_DIR": str(plan.folder)}):
                notes += show.imported(one)
        finally:
            agent = await starting
        notes.append("servers: " + ", ".join(_servers(agent)))
        if plan.fact and await remember(agent, plan.fact):
            notes.append(f"remembered: {plan.fact}")
    return agent


async def _questions(plan: Plan, settings: AgentSettings, database: Database, agent: Agent) -> list[Answer]:
    from rookery.demo import show
    from rookery.demo.questions import answer_through_queue

    answers: list[Answer] = []

    async def answered(event: Event, question: Question, answer: Answer) -> None:
        answers.append(answer)
        waited = time.time() - event.enqueued_at.timestamp() - answer.timings.total_ms / 1e3
        show.answered(len(answers), question.text, answer, event.id, max(0.0, waited) * 1e3)

    await answer_through_queue(database, agent, plan.questions, answered, settings.team)
    return answers


def _servers(agent: Agent) -> list[str]:
    return [
        f"{each.name} ({len(each.tools)} tools)"
        if each.up
        else f"{each.name} (not available: {each.problem})"
        for each in agent.servers.connections
    ]


def _describe(database: Database) -> str:
    version = database.capabilities.server_version
    extensions = {
        name: value
        for name, value in database.capabilities.as_dict().items()
        if value and name != "server_version"
    }
    return f"version {version // 10000}.{version % 10000} with {', '.join(sorted(extensions))}"
