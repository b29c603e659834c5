"""The event queue of one team: at-least-once delivery with an exactly-once effect."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rookery_core.identity.caller import DEFAULT_TEAM
from rookery_core.queue.effects import Effects
from rookery_core.queue.inspection import Inspecting
from rookery_core.queue.operations import Operating
from rookery_core.queue.publish import Publishing
from rookery_core.queue.schedules import Schedules
from rookery_core.queue.subscriptions import Subscribing

if TYPE_CHECKING:
    from rookery_core.database import Database
    from rookery_core.queue.base import Clock


class Queue(Subscribing, Publishing, Operating, Inspecting):
    """Publish, work on, look into and run the queue. Cheap to make; holds no connection of its own.

    `effects` is the ledger of effects outside, `schedules` publishes by the clock. To work on events all day
    use `Worker`. clock: for tests only; the queue otherwise knows no time but the database's.
    """

    def __init__(self, database: Database, *, clock: Clock | None = None, team: str = DEFAULT_TEAM) -> None:
        super().__init__(database, clock=clock, team=team)
        self.effects = Effects(self)
        self.schedules = Schedules(self)
