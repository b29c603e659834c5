"""Slack fails at every call of an answer, in every way it has; the thread holds one whole answer all the same."""

from __future__ import annotations

from typing import Any

import pytest

from emulators.slack import SlackEmulator
from emulators.slack.sample import Cast
from slack_bot.conftest import StartBot
from slack_bot.reading import answered, said
from slack_bot.scripted import ScriptedModel

MISHAPS: list[tuple[Any, dict[str, Any]]] = [
    ("lose_answer", {}),
    ("proxy", {"status": 502}),
    ("error", {"code": "service_unavailable"}),
    ("rate_limit", {"retry_after": 0}),
]


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("mode", ["stream", "edit", "long"])
@pytest.mark.parametrize(("kind", "details"), MISHAPS)
async def test_a_mishap_at_every_call_of_an_answer(
    slack: SlackEmulator, cast: Cast, start_bot: StartBot, kind: Any, details: dict[str, Any], mode: str
) -> None:
    slack.streaming_offered = mode != "edit"
    words, parts = (1200, 2) if mode == "long" else (80, 1)
    async with start_bot(
        ScriptedModel(answer=lambda question: f"About ({question}). " + "And more. " * words)
    ):
        calls = 0
        while await _one_whole_answer(slack, calls, kind, details, parts):
            calls += 1
    assert calls > 5


async def _one_whole_answer(
    slack: SlackEmulator, skip: int, kind: Any, details: dict[str, Any], parts: int
) -> bool:
    """Ask; False when the answer needs no more calls than `skip`."""
    fault = slack.faults.plan("*", kind, skip=skip, **details)
    asker = slack.state.add_user(f"asker-{skip}").id
    channel = slack.state.add_channel(f"call-{skip}", [asker]).id
    root = slack.people.mention(asker, channel, f"mishap {skip}")
    await answered(slack, channel, root, parts, timeout=30)
    await slack.state.wait_for(lambda: slack.screen.status(channel, root) == "", 15)
    texts = [line.text for line in slack.screen.replies(channel, root)]
    assert len(texts) == parts, (skip, texts)
    assert texts[0].startswith(f"About (mishap {skip})")
    assert not any(message.streaming for message in said(slack, channel, root))
    fault.times, never_reached = 0, fault.times
    return not never_reached
