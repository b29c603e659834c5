"""Asking the model for facts: a template, and the turns, each fenced under its number."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rookery.models.protocol import ChatMessage, ModelRequest, Text
from rookery_core.text import explain_fence, fence, new_nonce

if TYPE_CHECKING:
    from rookery.agent.prompts import Prompts
    from rookery.extraction.turns import Said

MAX_OUTPUT_TOKENS = 4096


def request_for(prompts: Prompts, earlier: Sequence[Said], turns: Sequence[Said]) -> ModelRequest:
    """What the model is asked about these turns. earlier: those before, to be understood only."""
    nonce = new_nonce()
    parts: list[str] = []
    if earlier:
        parts += ["Earlier turns:", *(_fenced(turn, "earlier turn", nonce) for turn in earlier), ""]
    parts.append("The turns:")
    parts += [_fenced(turn, f"turn {number}", nonce) for number, turn in enumerate(turns, start=1)]
    return ModelRequest(
        system=prompts.extraction({"fence_explained": explain_fence(nonce)}),
        messages=[ChatMessage("user", (Text("\n".join(parts)),))],
        tools=(),
        max_output_tokens=MAX_OUTPUT_TOKENS,
    )


def _fenced(turn: Said, label: str, nonce: str) -> str:
    date = f", {turn.said_at}" if turn.said_at else ""
    return fence(turn.content, author=turn.speaker, kind=f"{label}{date}", nonce=nonce)
