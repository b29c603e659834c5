"""`python -m rookery_ingest.docs`: the documentation commands by themselves."""

from __future__ import annotations

import argparse
import sys

from rookery_ingest.docs.commands import add_commands


def main() -> int:
    """Run one command. Returns its exit status."""
    parser = argparse.ArgumentParser(prog="rookery_ingest")
    add_commands(parser.add_subparsers(dest="command", required=True))
    arguments = parser.parse_args()
    return arguments.run(arguments)


if __name__ == "__main__":
    sys.exit(main())
