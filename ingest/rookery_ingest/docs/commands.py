"""`rookery-ingest docs …`: what fills the documentation store."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, TypeAlias

from rookery_core.console import run_configured
from rookery_core.settings import CoreSettings

Command = Callable[[argparse.Namespace, CoreSettings], Coroutine[Any, Any, int]]
Parsers: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"  # pyright: ignore[reportPrivateUsage]

_EPILOG = """\
examples:
  rookery-ingest docs postgres 14..18                      the official manuals
  rookery-ingest docs postgres 17 --from ./html            from a folder, an archive, or a Debian package
  rookery-ingest docs postgis 3.5                          the site's; --from: built HTML
  rookery-ingest docs timescale --from ./timescale-docs    or without --from: the site, by its sitemap
  rookery-ingest docs site https://docs.example.org/ --name example
  rookery-ingest docs add handbook ./handbook --base-url https://handbook.example.org/
  rookery-ingest docs git . --below docs --name project --base-url https://git.example.org/project/blob/main/docs/
  rookery-ingest docs llms https://docs.example.org/llms.txt --name example
  rookery-ingest docs schedule example '0 4 * * 1'         again every Monday; run `docs worker` beside it

Only what has changed is read again, and every import can be stopped and repeated. Formats: HTML, Markdown and MDX,
reStructuredText, AsciiDoc, DocBook (XML and SGML), plain text, PDF.

exit status: 0 done; 1 some pages could not be read; 2 an argument or setting is wrong; 69 not reachable just now.
"""


def add_commands(subparsers: Parsers) -> None:
    """Add `docs` to a command line. The parsed arguments then have `run`: call it with them for the exit status."""
    raw = argparse.RawDescriptionHelpFormatter
    text = "import documentation: manuals, sites, folders, working copies"
    parser = subparsers.add_parser(
        "docs", help=text, description=text.capitalize() + ".", epilog=_EPILOG, formatter_class=raw
    )
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    _add_local(actions)
    _add_manuals(actions)
    _add_web(actions)
    _add_keeping(actions)


def _add_local(actions: Parsers) -> None:
    for name, text in (
        ("add", "a folder or archive of documents, under a name"),
        ("folder", "the same as add"),
    ):
        action = _action(actions, name, text, "folder")
        action.add_argument("name", metavar="NAME", help="the source's name in searches, such as handbook")
        action.add_argument("path", metavar="PATH", type=Path, help="a folder, an archive, or one file")
        _common(action, base_url=True, version=True)
    action = _action(actions, "git", "the documents that git tracks in a working copy", "git")
    action.add_argument("path", metavar="PATH", type=Path, help="the working copy")
    action.add_argument("--below", default="", metavar="FOLDER", help="only this folder of it")
    action.add_argument("--name", required=True, help="the source's name in searches")
    _common(action, base_url=True, version=True)


def _add_manuals(actions: Parsers) -> None:
    action = _action(actions, "postgres", "PostgreSQL's manual, one version or several", "postgres")
    action.add_argument("versions", metavar="VERSIONS", help="17, 14..18 or 15,17")
    action.add_argument(
        "--from", dest="path", type=_path_or_url, metavar="PLACE",
        help="folder, archive, or URL of the HTML manual; {version} in a URL stands for each "
        "(default: the Debian package, else the official download)",
    )  # fmt: skip
    action.add_argument(
        "--name", default="postgres", help="the source's name in searches (default: postgres)"
    )
    _common(action, web=True)
    action = _action(actions, "postgis", "PostGIS's manual, one version or several", "postgis")
    action.add_argument("versions", metavar="VERSIONS", help="3.5, or 3.3,3.5")
    action.add_argument(
        "--from", dest="path", type=Path, metavar="PATH",
        help="folder, archive or single file of built HTML (default: the Debian package of that version, else the site)",
    )  # fmt: skip
    action.add_argument("--name", default="postgis", help="the source's name in searches (default: postgis)")
    _common(action, base_url=True, web=True)
    action = _action(actions, "timescale", "TimescaleDB's documentation", "timescale")
    action.add_argument(
        "--from", dest="path", type=Path, metavar="PATH", help="working copy or archive (default: the site)"
    )
    action.add_argument("--name", default="tiger", help="the source's name in searches (default: tiger)")
    _common(action, version=True, web=True)


def _add_web(actions: Parsers) -> None:
    action = _action(actions, "site", "a website, by its sitemap or its links", "site")
    action.add_argument("url", metavar="URL", help="only pages below this URL are read")
    action.add_argument("--sitemap", metavar="URL", help="default: as robots.txt says, else sitemap.xml")
    action.add_argument("--name", required=True, help="the source's name in searches")
    _common(action, version=True, web=True)
    action = _action(actions, "llms", "the pages of an llms.txt or llms-full.txt", "llms")
    action.add_argument("url", metavar="URL")
    action.add_argument("--name", required=True, help="the source's name in searches")
    _common(action, version=True, web=True)


def _add_keeping(actions: Parsers) -> None:
    action = _action(
        actions, "refresh", "import sources again, as they were imported before", None, "refresh"
    )
    action.add_argument("names", metavar="NAME", nargs="+", help="sources")
    _common(action)
    action = _action(
        actions, "schedule", "import a source again at the times of a cron line", None, "schedule"
    )
    action.add_argument("name", metavar="NAME")
    action.add_argument("cron", metavar="CRON", nargs="?", help="such as '0 4 * * 1'; none: end the schedule")
    action.add_argument("--time-zone", default="UTC", help="default: UTC")
    _action(actions, "worker", "do the scheduled imports; runs until it is stopped", None, "worker")
    action = _action(actions, "remove", "remove a source, or one version of it", None, "remove")
    action.add_argument("name", metavar="NAME")
    action.add_argument("--version", help="only this version")


def _path_or_url(text: str) -> Path | str:
    return text if text.startswith(("http://", "https://")) else Path(text)


def _action(
    actions: Parsers, name: str, text: str, kind: str | None, command: str = "imported"
) -> argparse.ArgumentParser:
    action = actions.add_parser(name, help=text, description=text[0].upper() + text[1:] + ".")
    action.set_defaults(run=_later(command), kind=kind)
    return action


def _common(
    action: argparse.ArgumentParser, *, base_url: bool = False, version: bool = False, web: bool = False
) -> None:
    if version:
        action.add_argument("--version", default="latest", help="the version described (default: latest)")
    if base_url:
        action.add_argument(
            "--base-url",
            help="where people read it; paths are appended (default: file URLs, of a manual its site)",
        )
    if web:
        action.add_argument(
            "--pause", type=float, default=0.5, metavar="S", help="between requests (default: 0.5)"
        )
        action.add_argument("--most-pages", type=int, default=10_000, metavar="N", help="default: 10000")
    action.add_argument("--title", help="what people call the source (default: its name)")
    action.add_argument("--force", action="store_true", help="remove vanished pages however many they are")
    action.add_argument("--json", action="store_true", help="print a summary as JSON on standard output")


def _later(command: str) -> Callable[[argparse.Namespace], int]:
    """Runs a command of `operating`, which is imported when it is needed: `--help` must not wait for it."""

    def run(arguments: argparse.Namespace) -> int:
        from rookery_ingest.docs import operating

        chosen: Command = getattr(operating, command)
        return run_configured(
            f"rookery-ingest docs {arguments.action}",
            CoreSettings.from_environment,
            lambda settings: chosen(arguments, settings),
            interrupted="stopped; the next run goes on from here",
        )

    return run
