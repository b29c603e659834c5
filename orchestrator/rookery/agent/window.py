"""Keeps a run inside the model's window: sections share a budget, old tool results give way first."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from rookery.agent.question import ContextSection, Turn
from rookery.models.protocol import Block, Message, ToolResult
from rookery.models.sizes import block_tokens
from rookery_core.budget import clip, estimate_tokens

SAFETY = 0.9
"""The share of the window that is used: token counts are estimates."""
PROMPT_SHARE = 0.5
_KEPT_OF_OLD_RESULT = 60
_NOTE = 50  # tokens of the note on what was dropped, and of the end of the fence
_DROPPED = "[the rest of this earlier result was dropped to save room; call the tool again if it is needed]"


def room(context_tokens: int, max_output_tokens: int) -> int:
    """Tokens that a request may have, estimated."""
    return max(1000, int(context_tokens * SAFETY) - max_output_tokens)


def fit_sections(sections: Sequence[ContextSection], tokens: int) -> list[ContextSection]:
    """The sections in their order, cut so that together they have at most `tokens`. Higher priority first."""
    kept: dict[int, ContextSection] = {}
    left = tokens
    for index in sorted(range(len(sections)), key=lambda each: -sections[each].priority):
        section = sections[index]
        text = keep_within(section.text, left, section.keep)
        if text:
            kept[index] = section if text == section.text else dataclasses.replace(section, text=text)
            left -= estimate_tokens(text) + 20
    return [kept[index] for index in sorted(kept)]


def keep_within(text: str, tokens: int, end: str = "start") -> str:
    """`text` cut to `tokens`, with a note where it was cut; empty when there is no room for anything of use."""
    if estimate_tokens(text) <= tokens:
        return text
    if tokens < 40:
        return ""
    if end == "start":
        shown, left = clip(text, tokens - 15)
        return f"{shown}\n[… about {left} tokens left out]"
    shown, left = clip(text[::-1], tokens - 15)
    return f"[… about {left} tokens left out]\n{shown[::-1]}"


def fit_history(turns: Sequence[Turn], tokens: int) -> tuple[Turn, ...]:
    """The newest turns that fit; a long answer is shortened rather than dropped."""
    kept: list[Turn] = []
    for turn in reversed(turns):
        answer = keep_within(turn.answer, max(200, tokens // 3))
        cost = estimate_tokens(turn.question) + estimate_tokens(answer)
        if cost > tokens:
            break
        kept.append(dataclasses.replace(turn, answer=answer))
        tokens -= cost
    return tuple(reversed(kept))


def fit_messages(messages: Sequence[Message], fixed_tokens: int, tokens: int) -> list[Message]:
    """The messages with the oldest tool results shortened until all fit into `tokens`.

    fixed_tokens: what the system prompt and the tools cost. The latest results are the last to be touched, and
    they are then cut evenly: a model that gets no result at all would only ask again.
    """
    fitted = list(messages)
    left = tokens - fixed_tokens
    for index in range(len(fitted) - 1):
        if _tokens(fitted) <= left:
            return fitted
        fitted[index] = _shortened(fitted[index], _KEPT_OF_OLD_RESULT)
    excess = _tokens(fitted) - left
    if excess > 0 and fitted:
        results = [block for block in fitted[-1].blocks if isinstance(block, ToolResult)]
        if results:
            each = (sum(map(block_tokens, results)) - excess) // len(results) - _NOTE
            each = max(_KEPT_OF_OLD_RESULT, each)
            fitted[-1] = _shortened(fitted[-1], each)
    return fitted


def _tokens(messages: Sequence[Message]) -> int:
    return sum(block_tokens(block) + 4 for message in messages for block in message.blocks)


def _shortened(message: Message, tokens: int) -> Message:
    return Message(message.role, tuple(_short(block, tokens) for block in message.blocks))


def _short(block: Block, tokens: int) -> Block:
    if not isinstance(block, ToolResult) or estimate_tokens(block.text) <= tokens + 30:
        return block
    shown, _ = clip(block.text, tokens)
    last = block.text.rstrip().rsplit("\n", 1)[-1]
    closing = f"\n{last}" if last.startswith("</untrusted ") else ""
    return dataclasses.replace(block, text=f"{shown}\n{_DROPPED}{closing}", structured=None)
