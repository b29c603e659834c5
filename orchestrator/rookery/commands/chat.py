"""`rookery chat`: a conversation in the terminal."""

from __future__ import annotations

import argparse
import asyncio

from rookery.commands.options import Subparsers, add_agent_options, add_parser, agent_settings, asker

_EPILOG = """\
Inside: an empty line or /quit ends it, /new begins a new conversation, /help lists the commands.

examples:
  rookery chat
  rookery chat --model anthropic:claude-sonnet-5-5 --as-user U0INES0003
"""


_HELP = "/new    begin a new conversation\n/quit   end (or an empty line)\n/help   this list"


def add_commands(subparsers: Subparsers) -> None:
    """Add `chat` to a command line."""
    parser = add_parser(subparsers, "chat", "a conversation in the terminal", _EPILOG)
    add_agent_options(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Talk until the person ends it. Returns the exit status."""
    return asyncio.run(_chat(arguments))


async def _chat(arguments: argparse.Namespace) -> int:
    from rookery.agent import Question, Turn, open_agent
    from rookery.terminal.answer_view import TerminalReader
    from rookery.terminal.reports import console, print_answer
    from rookery_core.errors import RookeryError

    settings = agent_settings(arguments)
    history: list[Turn] = []
    async with open_agent(settings) as agent:
        console().print(f"[dim]{agent.model.name}; an empty line ends the conversation[/dim]")
        while text := await _typed():
            if text.startswith("/"):
                if text == "/new":
                    history.clear()
                else:
                    console().print(_HELP, markup=False)
                continue
            question = Question(text=text, caller=asker(settings), history=tuple(history))
            try:
                with TerminalReader() as reader:
                    answer = await agent.answer(
                        question,
                        on_text=reader.text,
                        on_tool=reader.tool,
                        on_restart=reader.restart,
                        confirm=reader.confirm,
                    )
            except RookeryError as error:
                console().print(f"[red]{error}[/red]")
                continue
            print_answer(answer)
            history.append(Turn(question=text, answer=answer.markdown))
    return 0


async def _typed() -> str:
    """The next line, or an empty string when the conversation ends."""
    try:
        text = (await asyncio.to_thread(input, "\n? ")).strip()
    except EOFError:
        return ""
    return "" if text == "/quit" else text
