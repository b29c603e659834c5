"""Import a folder of your own documents and search it over MCP, as Claude or Cursor would.

    python examples/search_own_documents.py [FOLDER] [QUESTION]

Without arguments it searches two pages that it writes itself.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from fastmcp import Client
from fastmcp.client.transports import StdioTransport

BIN = Path(sys.executable).parent
PAGES = {
    "restores.md": "# Restores\n\nStop the replica, then run `restore --at TIME` as operator.\n",
    "deploys.md": "# Deploys\n\nDeploys run on weekdays between 10:00 and 16:00 UTC.\n",
}
SOURCE = "example-handbook"


def import_folder(folder: Path) -> None:
    command = [
        BIN / "rookery-ingest",
        "docs",
        "add",
        SOURCE,
        folder,
        "--base-url",
        "https://handbook.example/",
    ]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


async def search(question: str) -> None:
    server = StdioTransport(str(BIN / "rookery-docs"), [], env=dict(os.environ))
    async with Client(server) as client:
        answer = await client.call_tool("search_docs", {"query": question, "source": SOURCE})
    for page in (answer.structured_content or {})["results"]:
        print(f"{page['title']}: {page['passages'][0]['url']}")


def main(folder: str = "", question: str = "How do I restore to a point in time?") -> None:
    with tempfile.TemporaryDirectory() as temporary:
        if not folder:
            for name, text in PAGES.items():
                Path(temporary, name).write_text(text, encoding="utf-8")
        import_folder(Path(folder or temporary))
    asyncio.run(search(question))


if __name__ == "__main__":
    main(*sys.argv[1:])
