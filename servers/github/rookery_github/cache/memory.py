"""Answers kept in this process: while the database starts, or when there is none."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import replace

from rookery_core.identity import Caller
from rookery_github.cache.entry import CachedAnswer, Subject, concerns


class MemoryStore:
    """An AnswerStore that forgets what was used longest ago when it holds more than `max_bytes`."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._size = 0
        self._answers: OrderedDict[tuple[str, str, str], tuple[Subject, CachedAnswer]] = OrderedDict()

    async def find(self, caller: Caller, identity: str, key: str) -> CachedAnswer | None:
        kept = self._answers.get((caller.team, identity, key))
        if kept is None:
            return None
        self._answers.move_to_end((caller.team, identity, key))
        return kept[1]

    async def save(
        self, caller: Caller, identity: str, key: str, subject: Subject, answer: CachedAnswer
    ) -> None:
        place = (caller.team, identity, key)
        self._drop(place)
        if len(answer.body) > self._max_bytes // 4:
            return
        self._answers[place] = (subject, answer)
        self._size += len(answer.body)
        while self._size > self._max_bytes:
            self._drop(next(iter(self._answers)))

    async def refresh(self, caller: Caller, identity: str, key: str, fresh_until: float) -> None:
        place = (caller.team, identity, key)
        if place in self._answers:
            subject, answer = self._answers[place]
            self._answers[place] = (subject, replace(answer, fresh_until=fresh_until))

    async def make_stale(self, caller: Caller, subject: Subject) -> None:
        for place, (about, answer) in list(self._answers.items()):
            if place[0] == caller.team and not answer.immutable and concerns(about, subject):
                self._answers[place] = (about, replace(answer, fresh_until=0.0))

    def _drop(self, place: tuple[str, str, str]) -> None:
        if kept := self._answers.pop(place, None):
            self._size -= len(kept[1].body)
