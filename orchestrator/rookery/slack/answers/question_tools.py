"""The bot's own tools: members of a group or channel, earlier tool calls, a file to share, standing rules, the calendar.

All of them are internal: none is offered for a question from an outsider, a guest, or a shared channel.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from rookery.agent.local_tools import LocalTool, required
from rookery.slack.answers.files import PendingFiles
from rookery.slack.answers.wider_answers import wider_answers
from rookery.slack.calendar import Calendar
from rookery.slack.event_types import IncomingMessage
from rookery.slack.platform import Platform
from rookery.slack.stores import Stores
from rookery_core.errors import InvalidInput, NotAllowed, NotFound

if TYPE_CHECKING:
    from rookery.agent import Agent
    from rookery.slack.people.directory import SlackUser

MAX_PEOPLE = 200
Json = dict[str, Any]


def _object(required_names: list[str], **properties: Any) -> Json:
    return {
        "type": "object",
        "properties": properties,
        "required": required_names,
        "additionalProperties": False,
    }


def _text(description: str) -> Json:
    return {"type": "string", "description": description}


class QuestionTools:
    """Makes the tools for each question. rules: whether people may create standing rules."""

    def __init__(
        self, platform: Platform, stores: Stores, agent: Agent, calendar: Calendar | None, *, rules: bool
    ) -> None:
        self._platform = platform
        self._stores = stores
        self._agent = agent
        self._calendar = calendar
        self._rules = rules and not agent.model.extractive

    def for_question(
        self, question: IncomingMessage, asker: SlackUser, files: PendingFiles | None = None
    ) -> list[LocalTool]:
        """The tools bound to one question and its asker. files: where share_file collects; None: without that tool."""
        tools = _BoundTools(self._platform, self._stores, self._agent, question, asker)
        return [
            *tools.reading_tools(),
            *(tools.rule_tools() if self._rules else ()),
            *([_share_file(files)] if files is not None else ()),
            *([self._calendar.tool()] if self._calendar else ()),
            *wider_answers(self._platform.api, self._agent, question, asker),
        ]


class _BoundTools:
    """Tools that act for one asker in one channel."""

    def __init__(
        self, platform: Platform, stores: Stores, agent: Agent, question: IncomingMessage, asker: SlackUser
    ) -> None:
        self._platform = platform
        self._stores = stores
        self._agent = agent
        self._question = question
        self._asker = asker

    def reading_tools(self) -> list[LocalTool]:
        return [
            LocalTool(
                name="group_members",
                description="Members of a user group (@handle), with names and ids.",
                parameters=_object(["group"], group=_text("Handle, name or id of the user group.")),
                run=self._group_members,
            ),
            LocalTool(
                name="channel_members",
                description="Members of the channel in which the question was asked, with names and ids.",
                parameters=_object([]),
                run=self._channel_members,
            ),
            LocalTool(
                name="own_tool_calls",
                description=(
                    "The tool calls you made for the asker's earlier questions in this thread, with arguments and "
                    "outcome. Use it for questions such as 'how did you find that?'."
                ),
                parameters=_object([]),
                run=self._own_tool_calls,
            ),
        ]

    # -- people -----------------------------------------------------------------------------------------

    async def _group_members(self, arguments: Mapping[str, Any]) -> Json:
        name = required(arguments, "group").lstrip("@").casefold()
        groups: list[Json] = (await self._platform.api("usergroups.list"))["usergroups"]
        for group in groups:
            if name in (str(group[field]).casefold() for field in ("id", "handle", "name")):
                listed = await self._platform.api("usergroups.users.list", usergroup=group["id"])
                return {"group": group["handle"], **await self._people(listed["users"])}
        handles = sorted(str(group["handle"]) for group in groups)
        raise NotFound(f"There is no user group {name!r}.", candidates=handles[:10])

    async def _channel_members(self, arguments: Mapping[str, Any]) -> Json:
        members = await self._platform.directory.list_members(self._question.channel)
        return await self._people(members)

    async def _people(self, users: list[str]) -> Json:
        people = [await self._platform.directory.find_user(user) for user in users[:MAX_PEOPLE]]
        return {
            "people": [{"id": p.id, "name": p.name, "kind": p.kind} for p in people if not p.is_bot],
            "left_out": max(0, len(users) - MAX_PEOPLE),
        }

    # -- what was done ----------------------------------------------------------------------------------

    async def _own_tool_calls(self, arguments: Mapping[str, Any]) -> Json:
        recorder = self._agent.recorder
        if recorder is None:
            raise NotFound("Runs are not recorded (ROOKERY_TRACES=off).")
        store = await recorder.store()
        runs: list[Json] = []
        for trace in await self._stores.questions.list_traces(self._question):
            _, calls, _ = await store.calls(trace)
            shown = [
                {name: call[name] for name in ("server", "tool", "arguments", "state", "duration_ms")}
                for call in calls
            ]
            runs.append({"reference": trace, "calls": shown})
        return {"runs": runs}

    # -- standing rules ---------------------------------------------------------------------------------

    def rule_tools(self) -> list[LocalTool]:
        create = _object(
            ["name", "criteria", "action"],
            name=_text("A short name."),
            criteria=_text("When a message matches, in words: what it must be about."),
            action=_text(
                "What to find out or summarise when a message matches; the asker gets the result as a direct message."
            ),
            channel=_text("Id of the channel to watch; default: this one. The asker must be in it."),
            examples={"type": "array", "items": {"type": "string"}, "description": "Messages that match."},
        )
        return [
            LocalTool(
                name="create_rule",
                description=(
                    "Create a standing rule for the asker: when a message in a channel meets the criteria, carry out "
                    "the action and send the asker a direct message. Only when the asker requests it."
                ),
                parameters=create,
                run=self._create_rule,
                read_only=False,
                foreign=False,
            ),
            LocalTool(
                name="list_rules",
                description="The asker's standing rules: of this channel, in a direct message all.",
                parameters=_object([]),
                run=self._list_rules,
                foreign=False,
            ),
            LocalTool(
                name="delete_rule",
                description="Delete one of the asker's standing rules.",
                parameters=_object(
                    ["rule_id"], rule_id={"type": "integer", "description": "From list_rules."}
                ),
                run=self._delete_rule,
                read_only=False,
                foreign=False,
            ),
        ]

    async def _create_rule(self, arguments: Mapping[str, Any]) -> Json:
        channel = str(arguments.get("channel") or self._question.channel).strip("<#>").split("|")[0]
        if channel.startswith("D"):
            raise InvalidInput(
                "channel must be a channel, not a direct message.", hint="Give the channel's id."
            )
        if not await self._platform.directory.is_member(self._asker.id, channel):
            raise NotAllowed("The asker or the bot is not a member of that channel.")
        examples: list[Any] = arguments.get("examples") or []
        rule_id = await self._stores.rules.create_rule(
            self._asker.id,
            required(arguments, "name"),
            channel,
            required(arguments, "criteria"),
            required(arguments, "action"),
            [str(example)[:500] for example in examples],
        )
        return {"rule_id": rule_id, "channel": channel}

    async def _list_rules(self, arguments: Mapping[str, Any]) -> Json:
        """Where others read the answer, the rules of other channels are not named."""
        asked = self._question
        rules = [
            rule
            for rule in await self._stores.rules.list_rules_of(self._asker.id)
            if asked.is_direct or rule.channel == asked.channel
        ]
        return {
            "rules": [
                {
                    "rule_id": r.id,
                    "name": r.name,
                    "channel": r.channel,
                    "criteria": r.criteria,
                    "action": r.action,
                }
                for r in rules
            ]
        }

    async def _delete_rule(self, arguments: Mapping[str, Any]) -> Json:
        rule_id = arguments.get("rule_id")
        if not isinstance(rule_id, int):
            raise InvalidInput("rule_id must be a whole number.", hint="list_rules returns the ids.")
        return {"deleted": await self._stores.rules.delete_rule(rule_id, self._asker.id)}


def _share_file(files: PendingFiles) -> LocalTool:
    async def share(arguments: Mapping[str, Any]) -> str:
        name, content = required(arguments, "name"), required(arguments, "content")
        files.add_file(name, content)
        return f"{name} will be posted below your answer."

    return LocalTool(
        name="share_file",
        description="Post a text file (a script, a CSV, a long list) below your answer in this thread.",
        parameters=_object(
            ["name", "content"], name=_text("File name with extension."), content=_text("The whole text.")
        ),
        run=share,
        # It goes where the answer goes, to the same readers, so it needs no confirmation.
        read_only=True,
        foreign=False,
    )
