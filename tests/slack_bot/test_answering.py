"""A question asked in Slack is answered in its thread, once."""

from __future__ import annotations

from emulators.slack import SlackEmulator
from emulators.slack.sample import Cast
from slack_bot.conftest import StartBot
from slack_bot.scripted import ScriptedModel


async def answered(slack: SlackEmulator, channel: str, root: str, count: int = 1) -> list[str]:
    """What the bot has said in a thread, once it is final."""

    def settled() -> bool:
        lines = slack.screen.replies(channel, root)
        marks = [slack.state.messages[channel][line.ts].metadata or {} for line in lines]
        final = [mark for mark in marks if (mark.get("event_payload") or {}).get("state") == "final"]
        return len(final) >= count and not slack.sockets.unacked

    await slack.state.wait_for(settled)
    return [line.text for line in slack.screen.replies(channel, root)]


async def test_a_mention_is_answered_in_its_thread(
    slack: SlackEmulator, cast: Cast, start_bot: StartBot
) -> None:
    async with start_bot(ScriptedModel()):
        root = slack.people.mention(cast.ada.id, cast.general.id, "what is a rookery?")
        (text,) = await answered(slack, cast.general.id, root)
    assert text.startswith("The answer to: what is a rookery?")
    assert "[👍] [👎] [Comment]" in text
