"""Messages that one statement publishes, and what becomes of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rookery_core.queue.model import Enqueued, Message, Outgoing, outgoing

_LARGEST_BATCH = 64 * 1024 * 1024  # characters of payload; a statement must stay well below a gigabyte


class Batch:
    """What one statement publishes; `sent` are the positions of the messages in it: a key that comes twice goes once."""

    def __init__(self, messages: Sequence[Outgoing]) -> None:
        self.messages = messages
        self.soonest_s = min(message.delay_s for message in messages)
        self.sent = _first_uses(messages)
        sent = [messages[at] for at in self.sent]
        self.columns = (
            [message.payload for message in sent],
            _column([message.key for message in sent]),
            _column([message.ordering_key for message in sent]),
            _column([message.priority for message in sent]),
            _column([message.delay_s for message in sent]),
            _column([message.trace_id for message in sent]),
        )


@dataclass(frozen=True, slots=True)
class Sent:
    """What became of a batch: the ids of what is new, by position, and of the first use of keys that were spent."""

    messages: Sequence[Outgoing]
    fresh: Mapping[int, Sequence[int]]
    spent: Mapping[str, Sequence[int]]

    def answers(self) -> Iterator[Enqueued]:
        """One for each message, in order."""
        for at, message in enumerate(self.messages):
            ids = self.fresh.get(at)
            if ids is None:
                yield Enqueued(tuple(self.spent[message.key or ""]), duplicate=True)
            else:
                yield Enqueued(tuple(ids))


def up_to_a_size(messages: Sequence[Message], trace: str | None) -> Iterator[Outgoing]:
    """The first of the messages, encoded, as many as one statement takes. Raises InvalidInput."""
    room = _LARGEST_BATCH
    for message in messages:
        encoded = outgoing(message, message.trace_id or trace)
        yield encoded
        room -= len(encoded.payload)
        if room <= 0:
            return


def _column(values: list[Any]) -> list[Any]:
    """The values, or an empty array (all null to the statement) when there is nothing to say: much quicker to send."""
    return values if any(values) else []


def _first_uses(batch: Sequence[Outgoing]) -> list[int]:
    """The positions to send: a key that occurs twice in one batch is sent once."""
    seen: set[str] = set()
    positions: list[int] = []
    for at, message in enumerate(batch):
        if message.key is not None:
            if message.key in seen:
                continue
            seen.add(message.key)
        positions.append(at)
    return positions
