"""`rookery doctor`: check everything; says what to do about what is wrong."""

from __future__ import annotations

import argparse
import asyncio
import json
from dataclasses import asdict
from typing import TYPE_CHECKING

from rookery.commands.options import Subparsers, add_agent_options, add_parser, agent_settings

if TYPE_CHECKING:
    from rookery.doctor.findings import Finding

_EPILOG = """\
examples:
  rookery doctor
  rookery doctor --live              also ask Slack, GitHub and the model whether they accept the tokens
  rookery doctor --json | jq '.[] | select(.state == "fail")'

exit status: 0 nothing failed (warnings may be there); 1 something did; 2 settings are not readable.
"""


def add_commands(subparsers: Subparsers) -> None:
    """Add `doctor` to a command line."""
    parser = add_parser(
        subparsers, "doctor", "check everything; says what to do about what is wrong", _EPILOG
    )
    parser.add_argument("--json", action="store_true", help="print the findings as JSON")
    parser.add_argument(
        "--live", action="store_true", help="ask outside services whether they accept the tokens"
    )
    add_agent_options(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Check and report. Returns the exit status."""
    findings = asyncio.run(_examine(arguments))
    if arguments.json:
        print(json.dumps([asdict(each) for each in findings], indent=1))
    else:
        _print(findings)
    return 1 if any(each.state == "fail" for each in findings) else 0


async def _examine(arguments: argparse.Namespace) -> list[Finding]:
    from rookery.doctor.database import check_database
    from rookery.doctor.findings import Check, Examined, failed
    from rookery.doctor.keys import check_model, check_tokens
    from rookery.doctor.servers import check_ports, check_servers
    from rookery.slack.settings import BotSettings
    from rookery_core.settings_file import read_settings_file

    examined = Examined(agent_settings(arguments), live=arguments.live)
    BotSettings.check_file(read_settings_file(examined.settings.config_file))
    checks: list[Check] = [check_database, check_servers, check_model, check_tokens, check_ports]
    done = await asyncio.gather(*(check(examined) for check in checks), return_exceptions=True)
    findings: list[Finding] = []
    for check, found in zip(checks, done, strict=True):
        if isinstance(found, Exception):
            findings.append(failed(check.__name__.removeprefix("check_"), found))
        elif not isinstance(found, BaseException):
            findings += found
    return findings


def _print(findings: list[Finding]) -> None:
    from rich.text import Text

    from rookery.terminal.reports import console

    marks = {"ok": ("ok  ", "green"), "warn": ("warn", "yellow"), "fail": ("FAIL", "bold red")}
    out = console()
    width = max(len(each.area) for each in findings)
    for each in findings:
        out.print(Text.assemble(marks[each.state], f"  {each.area:<{width}}  {each.message}"), soft_wrap=True)
        if each.remedy and each.state != "ok":
            out.print(Text(f"      {'':<{width}}  → {each.remedy}", style="dim"), soft_wrap=True)
    failures = sum(each.state == "fail" for each in findings)
    warnings = sum(each.state == "warn" for each in findings)
    out.print()
    out.print(
        f"{failures} failed, {warnings} warnings" if failures or warnings else "all well", highlight=False
    )
