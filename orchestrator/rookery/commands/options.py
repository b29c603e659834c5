"""Options that several commands share."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rookery_core.identity.user_ids import user_id

if TYPE_CHECKING:
    from rookery.settings import AgentSettings
    from rookery_core.identity import Caller

Subparsers = Any
"""argparse's own type of it is private."""


def add_parser(subparsers: Subparsers, name: str, help: str, epilog: str) -> argparse.ArgumentParser:
    """A subcommand with examples in its help."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        name,
        help=help,
        description=help[0].upper() + help[1:] + ".",
        epilog=epilog,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    return parser


def above_zero(text: str) -> float:
    """A number above 0, for argparse."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number above 0")
    return value


def share(text: str) -> float:
    """A number from 0 to 1, for argparse."""
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a share from 0 to 1 (0.9 for 90 %)")
    return value


def at_least_one(text: str) -> int:
    """A whole number from 1, for argparse."""
    if not text.isdecimal() or not 1 <= int(text) < 2**31:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least 1")
    return int(text)


def add_agent_options(parser: argparse.ArgumentParser) -> None:
    """How the agent is put together, where it differs from the environment."""
    parser.add_argument(
        "--model", metavar="PROVIDER:NAME", help="the model, or several to try in order (ROOKERY_MODEL)"
    )
    parser.add_argument(
        "--mcp-config", type=Path, metavar="FILE", help="the servers (ROOKERY_MCP_CONFIG, else ./mcp.json)"
    )
    parser.add_argument(
        "--as-user", type=user_id, metavar="ID", help="answer with what this person may see (ROOKERY_AS_USER)"
    )
    parser.add_argument(
        "--prompts", type=Path, metavar="DIR", help="a folder of templates (ROOKERY_PROMPTS_DIR)"
    )


def agent_settings(arguments: argparse.Namespace, **more: Any) -> AgentSettings:
    """The settings of the environment, with those options on top that were given."""
    from rookery.settings import AgentSettings
    from rookery_core.telemetry import configure_telemetry

    given = {
        "model": getattr(arguments, "model", None),
        "mcp_config": getattr(arguments, "mcp_config", None),
        "as_user": getattr(arguments, "as_user", None),
        "prompts_dir": getattr(arguments, "prompts", None),
        **more,
    }
    settings = AgentSettings.from_environment(
        **{name: value for name, value in given.items() if value is not None}
    )
    configure_telemetry(settings)
    return settings


def asker(settings: AgentSettings) -> Caller:
    """Who asks at this terminal: the person named, else nobody, who sees public content only."""
    from rookery_core.identity import Caller

    if settings.as_user:
        return Caller(team=settings.team, user=settings.as_user, kind="member")
    return Caller(team=settings.team)
