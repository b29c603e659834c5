"""The Anthropic and OpenAI APIs on loopback: streaming, tool use, and everything that can go wrong.

    async with ModelEmulator(brain=Script([Reply(text="Hello")])) as models:
        models.url   # ANTHROPIC_BASE_URL; with /v1 it is OPENAI_BASE_URL

`python -m emulators.models` runs it alone, with a brain that searches and quotes.
"""

from emulators.models.brains import (
    Brain,
    Fault,
    Reply,
    Request,
    Script,
    Use,
    assistant,
    judged,
    note_taker,
    researcher,
    turns_of,
)
from emulators.models.server import ModelEmulator

__all__ = [
    "Brain",
    "Fault",
    "ModelEmulator",
    "Reply",
    "Request",
    "Script",
    "Use",
    "assistant",
    "judged",
    "note_taker",
    "researcher",
    "turns_of",
]
