"""What the asker may see and the room may not: shown to the asker alone, and in the room after their yes to exactly that."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from rookery.agent.local_tools import LocalTool, required
from rookery.agent.question import Question
from rookery.slack.event_types import IncomingMessage
from rookery.slack.text import blocks as block
from rookery.slack.text.markup import calm, to_mrkdwn
from rookery.slack.text.split import split
from rookery.traces.records import PendingAction
from rookery_core.errors import InvalidInput
from rookery_core.identity import Caller
from rookery_core.telemetry import new_trace_id

if TYPE_CHECKING:
    from rookery.agent import Agent
    from rookery.slack.people.directory import SlackUser
    from rookery_slackapi.web import SlackApi

SERVER, SHOW_HERE = "rookery", "show_here"
MAX_SHOWN_CHARACTERS = 2_500
TIMEOUT_S = 120.0


def wider_answers(
    api: SlackApi, agent: Agent, question: IncomingMessage, asker: SlackUser
) -> list[LocalTool]:
    """`look_further`, for a member who asks where others read the answer; none in a direct message."""
    if question.is_direct or asker.kind != "member" or agent.recorder is None or agent.model.extractive:
        return []
    tool = _LookFurther(api, agent, question, asker)
    return [
        LocalTool(
            name="look_further",
            description=(
                "Look for what the asker may see but this channel may not, when nothing was found here. The asker "
                "alone is shown what is found, and decides whether it is shown here; you do not get it."
            ),
            parameters={
                "type": "object",
                "properties": {
                    "question": {"type": "string", "description": "The whole question, by itself."}
                },
                "required": ["question"],
                "additionalProperties": False,
            },
            run=tool.run,
            internal_only=False,
            foreign=False,
            timeout_s=TIMEOUT_S,
        )
    ]


class _LookFurther:
    """Answers for the asker alone, once a question."""

    def __init__(self, api: SlackApi, agent: Agent, question: IncomingMessage, asker: SlackUser) -> None:
        self._api = api
        self._agent = agent
        self._question = question
        self._asker = asker
        self._done = False

    async def run(self, arguments: Mapping[str, Any]) -> str:
        text = required(arguments, "question")
        if self._done:
            raise InvalidInput("look_further was called before for this question.")
        self._done = True
        caller = Caller(
            team=self._agent.settings.team, user=self._asker.id, kind="member", channel=self._question.channel, room="direct"
        )  # fmt: skip
        answer = await self._agent.answer(Question(text=text, caller=caller, trace_id=new_trace_id()))
        await self._show(split(calm(answer.markdown), MAX_SHOWN_CHARACTERS)[0], answer.trace_id)
        return "The asker alone is shown what was found. They decide whether it is shown here. Do not wait for it."

    async def _show(self, text: str, trace_id: str) -> None:
        asked = self._question
        action = PendingAction(
            id=secrets.token_urlsafe(12), server=SERVER, tool=SHOW_HERE, reason="others read this channel",
            arguments={"text": text, "channel": asked.channel, "thread_ts": asked.thread_ts},
            trace_id=trace_id, user=self._asker.id,
        )  # fmt: skip
        assert self._agent.recorder is not None
        await (await self._agent.recorder.store()).add_action(action)
        await self._api(
            "chat.postEphemeral",
            channel=asked.channel,
            user=self._asker.id,
            thread_ts=asked.thread_ts,
            text=to_mrkdwn(text),
            blocks=[block.body(text), *block.show_here(action.id)],
        )


def shown_text(action: PendingAction, channel: str) -> tuple[str, str] | None:
    """The text and the thread of a confirmed `show_here` in this channel; None for any other action."""
    given = action.arguments
    if (action.server, action.tool) != (SERVER, SHOW_HERE) or given.get("channel") != channel:
        return None
    return str(given["text"]), str(given["thread_ts"])
