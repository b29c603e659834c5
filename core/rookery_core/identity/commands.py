"""`rookery token new|hash`: bearer tokens for hosted servers."""

from __future__ import annotations

import argparse
import json
import sys

from rookery_core.identity.caller import DEFAULT_TEAM
from rookery_core.identity.tokens import VARIABLE, hash_token, new_token
from rookery_core.identity.user_ids import user_id

_EPILOG = f"""\
A server keeps only the hash, in {VARIABLE} (JSON, or @file with JSON: a list of entries).

examples:
  rookery token new --user U012AB3CD                  for a person: sees what that person may see
  rookery token new --scope delegate                  for the bot: asks for the people who ask it
  rookery token new --json | jq .entry                for scripts
"""


def add_commands(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:  # pyright: ignore[reportPrivateUsage]
    """Add `token` to a command line. The parsed arguments then have `run`: call it with them for the exit status."""
    raw = argparse.RawDescriptionHelpFormatter
    parser = subparsers.add_parser(
        "token", help="make bearer tokens for hosted servers", epilog=_EPILOG, formatter_class=raw,
        description="Make bearer tokens for hosted servers.",
    )  # fmt: skip
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    new = actions.add_parser("new", help="a new token and its entry", epilog=_EPILOG, formatter_class=raw)
    new.add_argument(
        "--user",
        type=user_id,
        metavar="ID",
        help="the person it stands for (default: nobody, public content only)",
    )
    new.add_argument("--team", default=DEFAULT_TEAM, help=f"the tenant (default: {DEFAULT_TEAM})")
    new.add_argument(
        "--scope",
        action="append",
        default=[],
        metavar="SCOPE",
        help="what it may do besides; can be repeated",
    )
    new.add_argument("--json", action="store_true", help="print JSON on standard output")
    new.set_defaults(run=_new)
    known = actions.add_parser(
        "hash", help="the hash of a token read from standard input", formatter_class=raw
    )
    known.set_defaults(run=_hash)


def _new(arguments: argparse.Namespace) -> int:
    token, entry = new_token(arguments.user, team=arguments.team, scopes=arguments.scope)
    if arguments.json:
        print(json.dumps({"token": token, "entry": entry}))
        return 0
    print(f"token (give it to the caller, it is not shown again):\n  {token}")
    print(f"entry (add it to the list in {VARIABLE}):\n  {json.dumps(entry)}")
    return 0


def _hash(_arguments: argparse.Namespace) -> int:
    token = sys.stdin.readline().strip()
    if not token:
        print("rookery token hash: no token on standard input.", file=sys.stderr)
        return 2
    print(hash_token(token))
    return 0
