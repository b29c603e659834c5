"""The vendors' SDKs, imported with the first request."""

from __future__ import annotations

import asyncio
import importlib
from typing import Any


async def imported(name: str) -> Any:
    """The package, imported in a thread: it takes seconds, in which leases and acknowledgements have to go on."""
    return await asyncio.to_thread(importlib.import_module, name)
