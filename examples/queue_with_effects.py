"""A worker that charges a customer exactly once, although its first attempt fails right after charging.

    python examples/queue_with_effects.py

The queue delivers an event at least once. The handler records an intent before it calls the payment service and the
receipt afterwards. An attempt that finds an intent without a receipt asks the service before it charges.
"""

from __future__ import annotations

import asyncio
import secrets

from rookery_core.database import Database
from rookery_core.errors import Unavailable
from rookery_core.queue import Attempt, Backoff, Event, Queue, Worker
from rookery_core.settings import CoreSettings

payments: dict[str, int] = {}
"""The payment service: amounts by idempotency key."""
recorded = asyncio.Event()


async def charge(event: Event, attempt: Attempt) -> None:
    effect = await attempt.intend("charge", {"amount": event.payload["amount"]})
    key = effect.idempotency_key
    if effect.state == "intended" and key in payments:
        print(f"attempt {attempt.number}: already charged, recording the receipt")
    else:
        payments[key] = event.payload["amount"]
        print(f"attempt {attempt.number}: charged {event.payload['amount']}")
        if attempt.number == 1:
            raise Unavailable("The connection broke before the receipt was recorded.")
    await attempt.receipt(effect, {"charged": payments[key]})
    recorded.set()


async def main() -> None:
    settings = CoreSettings.from_environment()  # DATABASE_URL, or the embedded server
    async with await Database.open(settings, "rookery_agent", "example") as database:
        queue = Queue(database)
        await queue.subscribe("orders", "payments", backoff=Backoff(base_s=0.1))

        order = f"order-{secrets.token_hex(4)}"
        first = await queue.enqueue("orders", {"amount": 40}, key=order)
        second = await queue.enqueue("orders", {"amount": 40}, key=order)
        print(f"duplicate: {first.duplicate}, the same order again: {second.duplicate}")

        async with Worker(queue, {"payments": charge}):
            await recorded.wait()
        print(f"payments: {list(payments.values())}")


if __name__ == "__main__":
    asyncio.run(main())
