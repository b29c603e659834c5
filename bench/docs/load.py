"""Callers of a docs server over HTTP, in a process of their own: `python -m bench.docs.load URL CALLERS SECONDS FILE`.

Prints JSON: searches a second, their latencies, how many failed.
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
import time
from pathlib import Path
from typing import Any

import httpx2

_HEADERS = {
    "Accept": "application/json, text/event-stream",
    "Content-Type": "application/json",
    "MCP-Protocol-Version": "2025-06-18",
}


async def run(url: str, callers: int, seconds: float, arguments: list[dict[str, Any]]) -> dict[str, Any]:
    """Let `callers` ask one search after another, each in an order of its own."""
    latencies: list[float] = []
    failed = 0
    limits = httpx2.Limits(max_connections=callers, max_keepalive_connections=callers)
    async with httpx2.AsyncClient(limits=limits, timeout=30, headers=_HEADERS) as client:

        async def ask(number: int, stop_at: float) -> None:
            nonlocal failed
            order = random.Random(number)
            while time.perf_counter() < stop_at:
                call = {"name": "search_docs", "arguments": order.choice(arguments)}
                body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": call}
                began = time.perf_counter()
                answer = await client.post(url, json=body)
                latencies.append(time.perf_counter() - began)
                failed += (
                    answer.status_code != 200
                    or '"isError":true' in answer.text
                    or '"error"' in answer.text[:200]
                )

        began = time.perf_counter()
        await asyncio.gather(*(ask(number, began + seconds) for number in range(callers)))
        elapsed = time.perf_counter() - began
    return {"per_second": len(latencies) / elapsed, "latencies": latencies, "failed": failed}


def main() -> None:
    """Read the arguments, run, print."""
    url, callers, seconds, file = sys.argv[1:5]
    arguments = json.loads(Path(file).read_text())
    print(json.dumps(asyncio.run(run(url, int(callers), float(seconds), arguments))))


if __name__ == "__main__":
    main()
