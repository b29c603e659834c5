"""One door for foreign things: only rookery_core.foreign opens, unpacks, runs and fetches what somebody else handed in.

Every other place that opens files, starts programs or connects is listed with the reason why what it touches is not
foreign, or why its host is one that the operator configured.
"""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
DOOR = "core/rookery_core/foreign/"
_ARCHIVE_MODULES = {"zipfile", "tarfile", "gzip", "bz2", "lzma"}
_PROGRAM_MODULES = {"subprocess", "pty", "multiprocessing"}
_PROGRAM_CALLS = re.compile(
    r"create_subprocess_\w+|system|popen|exec[lv]\w*|spawn[lv]\w*|posix_spawnp?|startfile|stdio_client"
)
_FETCH_MODULES = {
    "httpx",
    "httpx2",
    "httpcore2",
    "urllib.request",
    "http.client",
    "requests",
    "websockets",
    "ftplib",
}
_FETCH_NAMES = {
    "ClientSession", "AsyncOpenAI", "AsyncAnthropic", "AsyncWebClient", "WebClient", "SocketModeClient", "JWTVerifier",
    "open_connection", "create_connection", "streamable_http_client", "streamablehttp_client", "sse_client",
    "StreamableHttpTransport",
}  # fmt: skip
_OPEN_METHODS = {
    "read_bytes",
    "read_text",
    "rglob",
    "glob",
    "iterdir",
    "scandir",
    "walk",
    "unpack_archive",
    "copytree",
    "memmap",
}
_MODE = re.compile(r"[rwxabt+]{1,3}")

_OURS = "a file that ships with Rookery, or that Rookery itself wrote"
_NAMED = "a file that the operator named, read as bytes or text and never published"
_CONFIGURED = "a host that the operator configured; no page, message or file can name another"
_NAMES_ONLY = "looks for the names of files; their content is opened through the door"

ALLOWED: dict[str, dict[str, str]] = {
    "open": {
        "core/rookery_core/available_memory.py": "a figure of the kernel",
        "core/rookery_core/console.py": "/dev/null in place of a closed standard output",
        "core/rookery_core/database/embedded/": _OURS,
        "core/rookery_core/database/migration_files.py": _OURS,
        "core/rookery_core/embedders/static_table.py": _OURS,
        "core/rookery_core/identity/tokens.py": _NAMED,
        "core/rookery_core/mcp/configuration.py": "mcp.json, named or trusted before",
        "core/rookery_core/settings_file.py": "rookery.toml, named or trusted before",
        "core/rookery_core/sql.py": _OURS,
        "core/rookery_core/trust.py": "the files that are shown and trusted, bounded and never followed",
        "ingest/rookery_ingest/docs/postgis.py": _NAMES_ONLY,
        "ingest/rookery_ingest/docs/postgres.py": _NAMES_ONLY,
        "orchestrator/rookery/commands/slack.py": _OURS,
        "orchestrator/rookery/evaluation/cases.py": _NAMED,
        "orchestrator/rookery/setup/files.py": "the files that `rookery init` writes",
        "orchestrator/rookery/setup/installed_files.py": "the configuration of the MCP client that the person names",
        "orchestrator/rookery/slack/calendar.py": "walks through a calendar, not a folder",
        "servers/docs/rookery_docs/guide_repositories.py": _OURS,
        "servers/docs/rookery_docs/guides.py": _OURS + "; a team's guides are opened through the door",
        "servers/docs/rookery_docs/search/": _OURS,
        "servers/github/rookery_github/credentials.py": _NAMED,
        "servers/github/rookery_github/hosts.py": _NAMED,
        "servers/memory/rookery_memory/commands.py": _NAMED,
    },
    "run": {
        "core/rookery_core/database/embedded/": "PostgreSQL's programs, of an installed package",
        "orchestrator/rookery/agent/agent.py": "the system prompt, not a program",
        "orchestrator/rookery/demo/imports.py": "our own import programs",
        "servers/github/rookery_github/credentials.py": "`gh auth token`, of the operator's installation",
    },
    "fetch": {
        "core/rookery_core/embedders/remote.py": _CONFIGURED,
        "core/rookery_core/mcp/": "servers of mcp.json, which was named or trusted before",
        "core/rookery_core/serving/tokens.py": "the key set of ROOKERY_JWT_JWKS_URL: " + _CONFIGURED,
        "ingest/rookery_ingest/slack/listening.py": "Slack's API: " + _CONFIGURED,
        "orchestrator/rookery/doctor/servers.py": "a port of this machine",
        "orchestrator/rookery/models/": _CONFIGURED,
        "orchestrator/rookery/setup/services.py": _CONFIGURED,
        "orchestrator/rookery/slack/answers/attachments.py": "Slack's own hosts only, checked, without redirects, bounded",
        "orchestrator/rookery/slack/answers/files.py": "the upload address that Slack's API answered",
        "orchestrator/rookery/slack/calendar.py": "ROOKERY_CALENDAR_URL: " + _CONFIGURED,
        "orchestrator/rookery/slack/receivers/": "Slack's own hosts only, checked, without redirects",
        "servers/docs/rookery_docs/search/reranking.py": _CONFIGURED,
        "servers/github/rookery_github/exchange.py": "GitHub's API, and where it sends logs and archives, without the token",
        "slackapi/rookery_slackapi/": "Slack's API: " + _CONFIGURED,
    },
    "unpack": {},
}
"""Kind -> file, or folder with a slash at its end -> why it is not the door's business."""


def uses(tree: ast.AST) -> Iterator[tuple[str, str]]:
    """(kind, what) for each use of the means to open, unpack, run and fetch."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield from _of_module(alias.name)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from _of_module(node.module)
            for alias in node.names:
                yield from _of_module(f"{node.module}.{alias.name}")
                if alias.name in _FETCH_NAMES:
                    yield "fetch", alias.name
        elif isinstance(node, ast.Attribute) and node.attr in _FETCH_NAMES:
            yield "fetch", node.attr
        elif isinstance(node, ast.Call):
            yield from _of_call(node)


def _of_module(name: str) -> Iterator[tuple[str, str]]:
    root = name.partition(".")[0]
    if root in _ARCHIVE_MODULES:
        yield "unpack", root
    if root in _PROGRAM_MODULES:
        yield "run", root
    if root in _FETCH_MODULES or name in _FETCH_MODULES:
        yield "fetch", name


def _of_call(node: ast.Call) -> Iterator[tuple[str, str]]:
    function = node.func
    if isinstance(function, ast.Name) and function.id == "open":
        yield "open", "open"
    elif isinstance(function, ast.Attribute):
        owner = function.value.id if isinstance(function.value, ast.Name) else ""
        if function.attr in _OPEN_METHODS or (
            function.attr == "open" and (owner in ("os", "io") or _is_mode(node))
        ):
            yield "open", function.attr
        if _PROGRAM_CALLS.fullmatch(function.attr) and owner in ("os", "asyncio", "stdio", ""):
            yield "run", function.attr


def _is_mode(node: ast.Call) -> bool:
    first = node.args[0] if node.args else None
    return (
        isinstance(first, ast.Constant)
        and isinstance(first.value, str)
        and bool(_MODE.fullmatch(first.value))
    )


def product_files() -> Iterator[Path]:
    for folder in ("core", "servers", "slackapi", "ingest", "orchestrator"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            if "build" not in path.parts and ".venv" not in path.parts:
                yield path


def found() -> dict[str, dict[str, set[str]]]:
    """Kind -> file -> what it uses, outside of the door."""
    places: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for path in product_files():
        name = path.relative_to(ROOT).as_posix()
        if not name.startswith(DOOR):
            for kind, what in uses(ast.parse(path.read_text(encoding="utf-8"))):
                places[kind][name].add(what)
    return places


def test_nothing_else_opens_runs_fetches_or_unpacks_what_is_foreign() -> None:
    outside = [
        f"{name}: {kind} ({', '.join(sorted(what))})"
        for kind, places in found().items()
        for name, what in places.items()
        if not any(
            name == allowed or (allowed[-1] == "/" and name.startswith(allowed)) for allowed in ALLOWED[kind]
        )
    ]
    assert not outside, "go through rookery_core.foreign, or list the file with the reason"


def test_the_list_names_only_what_is_there() -> None:
    places = found()
    stale = [
        f"{kind}: {allowed}"
        for kind, reasons in ALLOWED.items()
        for allowed in reasons
        if not any(name.startswith(allowed) for name in places[kind])
    ]
    assert not stale


def test_each_means_is_noticed() -> None:
    text = (
        "import tarfile\nfrom subprocess import run\nimport httpx2\nopen('x')\npath.read_bytes()\npath.open('rb')\n"
        "asyncio.create_subprocess_exec('git')\naiohttp.ClientSession()\nos.walk('.')\nfrom openai import AsyncOpenAI\n"
    )
    kinds = [kind for kind, _ in set(uses(ast.parse(text)))]
    assert sorted(kinds) == ["fetch"] * 3 + ["open"] * 3 + ["run"] * 2 + ["unpack"]
