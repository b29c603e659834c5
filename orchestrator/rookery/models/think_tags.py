"""Removes `<think>…</think>` from the beginning of a streamed answer, where open models write what they think."""

from __future__ import annotations

from dataclasses import dataclass

_OPEN, _CLOSE = "<think>", "</think>"


@dataclass(slots=True)
class ThinkTags:
    """The filter of one answer. Only a block at its beginning is removed: later ones are part of the text."""

    _held: str = ""
    _state: str = "start"

    def take(self, piece: str) -> str:
        """The part of the text so far that belongs to the answer and was not returned before."""
        if self._state == "answer":
            return piece
        self._held += piece
        if self._state == "start":
            beginning = self._held.lstrip()
            if _OPEN.startswith(beginning[: len(_OPEN)]) and len(beginning) < len(_OPEN):
                return ""
            if not beginning.startswith(_OPEN):
                return self.finish()
            self._state = "thinking"
        if self._state == "thinking":
            _, closed, rest = self._held.partition(_CLOSE)
            if not closed:
                return ""
            self._held, self._state = rest, "gap"
        self._held = self._held.lstrip()
        return self.finish() if self._held else ""

    def finish(self) -> str:
        """The rest of the answer, once it is complete."""
        rest = "" if self._state == "thinking" else self._held
        self._held, self._state = "", "answer"
        return rest
