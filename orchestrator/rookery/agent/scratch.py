"""Results too big for the model's window are kept whole for the run and read in pages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from rookery_core.errors import InvalidInput, NotFound
from rookery_core.text import clip

READ_MORE = "read_more"
DESCRIPTION = (
    "Read more of a result that was too long to be shown at once. Use it with the handle and the offset that the "
    "shortened result names. Answers the next part and, when there is still more, the next offset."
)
PARAMETERS: Mapping[str, Any] = {
    "type": "object",
    "properties": {
        "handle": {"type": "string", "description": "The handle that the shortened result names."},
        "offset": {"type": "integer", "minimum": 0, "description": "Where to go on, in characters."},
        "find": {
            "type": "string",
            "description": "Instead of going on at the offset: start shortly before the next place with these words.",
        },
    },
    "required": ["handle"],
    "additionalProperties": False,
}
_LEAD = 300


@dataclass(slots=True)
class Scratch:
    """The long results of one run, by handle."""

    texts: dict[str, str] = field(default_factory=dict[str, str])

    def shorten(self, text: str, max_tokens: int) -> str:
        """`text`, or its beginning with a note on how to read the rest."""
        shown, left = clip(text, max_tokens)
        if not left:
            return text
        handle = f"result-{len(self.texts) + 1}"
        self.texts[handle] = text
        return shown + _note(handle, len(shown), left)

    def read(self, arguments: Mapping[str, Any], max_tokens: int) -> str:
        """The page that a call of `read_more` asks for. Raises NotFound or InvalidInput."""
        handle, offset = str(arguments.get("handle", "")), arguments.get("offset", 0)
        text = self.texts.get(handle)
        if text is None:
            raise NotFound(f"There is no long result {handle!r}.", candidates=list(self.texts)[-5:])
        if not isinstance(offset, int) or isinstance(offset, bool) or not 0 <= offset <= len(text):
            raise InvalidInput(f"offset must be a number from 0 to {len(text)}.")
        if words := str(arguments.get("find", "")).strip():
            place = text.lower().find(words.lower(), offset)
            if place < 0:
                raise NotFound(
                    f"{words!r} does not occur after offset {offset}.", hint="Try fewer words, or offset 0."
                )
            offset = max(offset, place - _LEAD)
        shown, left = clip(text[offset:], max_tokens)
        return shown + (_note(handle, offset + len(shown), left) if left else "\n[end of the result]")


def _note(handle: str, offset: int, left: int) -> str:
    return (
        f"\n[shortened: about {left} tokens more. {READ_MORE} with handle={handle!r} and offset={offset} goes on; "
        "a narrower search is often better]"
    )
