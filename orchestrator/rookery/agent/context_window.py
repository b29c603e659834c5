"""Keeps a run inside the model's window: sections share a budget, and old tool results are cut first."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, cast

from rookery.agent.question import ContextSection, Turn
from rookery.models.protocol import Block, ChatMessage, Media, Text, ToolDefinition, ToolResult, ToolUse
from rookery.models.sizes import block_tokens, tools_tokens
from rookery_core.text import clip, estimate_tokens

SAFETY = 0.9
"""The share of the window that is used: token counts are estimates."""
ANSWER_SHARE = 0.25
"""The most of a window that an answer may take: a small one would have no room for a question otherwise."""
TOOLS_SHARE = 0.4
PROMPT_SHARE = 0.5
SYSTEM_TOKENS = 1500  # what the system prompt takes, about
MOST_TOOLS = 128  # of one request, at OpenAI
_TERSE_TOKENS = 40
_KEPT_OF_OLD_RESULT = 60
_NOTE = 50  # tokens of the note on what was dropped, and of the end of the fence
_EXCHANGES_DROPPED = "[{} earlier tool calls were dropped with their results to save room]"
_CUT = "\n[… about {} tokens left out …]\n"
_NO_MEDIA = "[the file {} was left out: there is no room for it]"
_LEAST_FIRST = 100  # tokens of the question that stay in any case
_DROPPED = "[the rest of this earlier result was dropped to save room; call the tool again if it is needed]"


def room(context_tokens: int, max_output_tokens: int) -> int:
    """Tokens that a request may have, estimated."""
    return max(1000, int(context_tokens * SAFETY) - max_output_tokens)


def answer_tokens(context_tokens: int, wanted: int) -> int:
    """Tokens that an answer may have in a window."""
    return min(wanted, int(context_tokens * ANSWER_SHARE))


def prompt_room(context_tokens: int, max_output_tokens: int, tools: Sequence[ToolDefinition]) -> int:
    """Tokens for sections and history, besides the question."""
    whole = room(context_tokens, answer_tokens(context_tokens, max_output_tokens))
    fixed = SYSTEM_TOKENS + min(tools_tokens(tools), int(whole * TOOLS_SHARE))
    return max(0, int((whole - fixed) * PROMPT_SHARE))


def fit_tools(tools: Sequence[ToolDefinition], tokens: int) -> list[ToolDefinition]:
    """The tools in `tokens`: with shorter descriptions where they do not fit; then the last ones are left out.

    The very last stays: it reads on in results that were too long.
    """
    if tools_tokens(tools) <= tokens and len(tools) <= MOST_TOOLS:
        return list(tools)
    *others, last = [_terse(tool) for tool in tools] if tools_tokens(tools) > tokens else tools
    fitted: list[ToolDefinition] = []
    left = tokens - tools_tokens([last])
    for tool in others[: MOST_TOOLS - 1]:
        left -= tools_tokens([tool])
        if left < 0:
            break
        fitted.append(tool)
    return [*fitted, last]


def _terse(tool: ToolDefinition) -> ToolDefinition:
    properties = cast(Mapping[str, Any], tool.parameters.get("properties") or {})
    short = {
        name: {key: value for key, value in cast(Mapping[str, Any], part).items() if key != "description"}
        if isinstance(part, dict)
        else part
        for name, part in properties.items()
    }
    description = clip(tool.description.strip().partition("\n\n")[0], _TERSE_TOKENS)[0]
    return ToolDefinition(tool.name, description, {**tool.parameters, "properties": short})


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


def fit_messages(messages: Sequence[ChatMessage], fixed_tokens: int, tokens: int) -> list[ChatMessage]:
    """The messages, made to fit into `tokens`: the oldest tool results are shortened first, then emptied.

    fixed_tokens: what the system prompt and the tools cost. The latest results are cut evenly after that: a model that gets
    no result at all would only ask again. Then the oldest calls go, each with its result, and at last the middle of the
    first message: what stands around the question, and the question where nothing else is left.
    """
    fitted = list(messages)
    left = tokens - fixed_tokens
    for kept in (_KEPT_OF_OLD_RESULT, 0):
        for index in range(len(fitted) - 1):
            if _tokens(fitted) <= left:
                return fitted
            fitted[index] = _shortened(fitted[index], kept)
        fitted[-1] = _evenly(fitted[-1], _tokens(fitted) - left, kept)
    fitted = _without_oldest(fitted, left)
    if (excess := _tokens(fitted) - left) > 0:
        fitted[0] = _cut(fitted[0], excess)
    return fitted


def _evenly(message: ChatMessage, excess: int, least: int) -> ChatMessage:
    """The message with its results cut alike, so that it shrinks by `excess` tokens; each keeps `least`."""
    results = [block for block in message.blocks if isinstance(block, ToolResult)]
    if excess <= 0 or not results:
        return message
    each = (sum(map(block_tokens, results)) - excess) // len(results) - _NOTE
    return _shortened(message, max(least, each))


def _without_oldest(messages: list[ChatMessage], tokens: int) -> list[ChatMessage]:
    """Without the oldest exchanges. A call and its result go together: a provider refuses one without the other."""
    kept, dropped = list(messages), 0
    while len(kept) > 3 and _tokens(kept) > tokens:
        dropped += sum(isinstance(block, ToolUse) for block in kept[1].blocks)
        del kept[1:3]
    if dropped:
        note = Text(_EXCHANGES_DROPPED.format(dropped))
        kept[0] = ChatMessage(kept[0].role, (*kept[0].blocks, note))
    return kept


def _cut(message: ChatMessage, excess: int) -> ChatMessage:
    """The first message without its files and the middle of its longest text. Its end is the question."""
    blocks: list[Block] = []
    for block in message.blocks:
        if isinstance(block, Media) and excess > 0:
            note = Text(_NO_MEDIA.format(block.name))
            excess -= block_tokens(block) - block_tokens(note)
            block = note
        blocks.append(block)
    texts = [index for index, block in enumerate(blocks) if isinstance(block, Text)]
    if excess > 0 and texts:
        longest = max(texts, key=lambda index: block_tokens(blocks[index]))
        text = cast(Text, blocks[longest]).text
        blocks[longest] = Text(_without_middle(text, estimate_tokens(text) - excess - _NOTE))
    return ChatMessage(message.role, tuple(blocks))


def _without_middle(text: str, tokens: int) -> str:
    tokens = max(_LEAST_FIRST, tokens)
    head, left = clip(text, tokens // 3)
    if not left:
        return text
    tail = clip(text[: len(head) - 1 : -1] if head else text[::-1], tokens - tokens // 3)[0][::-1]
    return head + _CUT.format(estimate_tokens(text) - estimate_tokens(head) - estimate_tokens(tail)) + tail


def _tokens(messages: Sequence[ChatMessage]) -> int:
    return sum(block_tokens(block) + 4 for message in messages for block in message.blocks)


def _shortened(message: ChatMessage, tokens: int) -> ChatMessage:
    return ChatMessage(message.role, tuple(_short(block, tokens) for block in message.blocks))


def _short(block: Block, tokens: int) -> Block:
    if not isinstance(block, ToolResult) or estimate_tokens(block.text) <= tokens + 30:
        return block
    shown, _ = clip(block.text, tokens)
    last = block.text.rstrip().rsplit("\n", 1)[-1]
    closing = f"\n{last}" if last.startswith("</untrusted ") else ""
    return dataclasses.replace(block, text=f"{shown}\n{_DROPPED}{closing}", structured=None)
