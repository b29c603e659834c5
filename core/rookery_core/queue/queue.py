"""The event queue of one team: at-least-once delivery with exactly-once effects."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rookery_core.identity.caller import DEFAULT_TEAM
from rookery_core.queue.admin import Inspection, Operations
from rookery_core.queue.base import QueueBase
from rookery_core.queue.claims import Claims
from rookery_core.queue.effects import Effects
from rookery_core.queue.publish import Publisher
from rookery_core.queue.schedules import Schedules
from rookery_core.queue.subscriptions import Subscriptions

if TYPE_CHECKING:
    from rookery_core.database.pool import Database
    from rookery_core.queue.base import Clock


class Queue:
    """Publish events, claim them, inspect and operate the queue. Cheap to create; holds no connection.

    Each operation is a method of the part that implements it: `Publisher`, `Subscriptions`, `Claims`, `Inspection`,
    `Operations`. `effects` records effects on external systems, `schedules` publishes by the clock. To handle events
    continuously use `Worker`. clock: for tests only; the queue otherwise reads the time from the database.
    """

    def __init__(self, database: Database, *, clock: Clock | None = None, team: str = DEFAULT_TEAM) -> None:
        base = QueueBase(database, clock=clock, team=team)
        self.database = database
        self.team = team
        self.now = base.now
        self.connection = base.connection
        self.transaction = base.transaction
        self.notify = base.notify
        self.check_subscription = base.check_subscription

        subscriptions = Subscriptions(base)
        self.subscribe = subscriptions.subscribe
        self.unsubscribe = subscriptions.unsubscribe
        self.subscriptions = subscriptions.subscriptions
        self.pause = subscriptions.pause
        self.resume = subscriptions.resume

        publisher = Publisher(base)
        self.enqueue = publisher.enqueue
        self.enqueue_many = publisher.enqueue_many

        claims = Claims(base)
        self.claim = claims.claim
        self.held = claims.held
        self.complete = claims.complete
        self.fail = claims.fail
        self.release = claims.release
        self.extend = claims.extend
        self.finish = claims.finish
        self.finish_many = claims.finish_many

        inspection = Inspection(base)
        self.stats = inspection.stats
        self.list = inspection.list
        self.show = inspection.show
        self.events_of_trace = inspection.events_of_trace

        operations = Operations(base, claims)
        self.retry = operations.retry
        self.cancel = operations.cancel
        self.purge = operations.purge
        self.replay = operations.replay

        self.effects = Effects(base, claims)
        self.schedules = Schedules(base, publisher)
