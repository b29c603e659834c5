"""An answer that makes no progress although its connection is alive."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any


async def lively(events: AsyncIterator[Any], patience_s: float) -> AsyncIterator[Any]:
    """The events. Raises TimeoutError when the next takes longer than `patience_s`: pings keep a connection alive for
    ever, and the SDKs pass none of them on."""
    while True:
        try:
            async with asyncio.timeout(patience_s):
                event = await anext(events)
        except StopAsyncIteration:
            return
        except TimeoutError:
            raise TimeoutError(f"nothing came for {patience_s:g} s") from None
        yield event
