"""The bot's own tools for one question: who is in a group or here, what was called, a file to share, rules.

All of them are internal: none is offered for a question from an outsider, a guest, or a shared channel.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from rookery.agent.local_tools import LocalTool, required
from rookery.slack.answers.files import PendingFiles
from rookery.slack.event_types import IncomingMessage
from rookery_core.errors import InvalidInput, NotAllowed, NotFound

if TYPE_CHECKING:
    from rookery.slack.people.directory import SlackUser
    from rookery.slack.services import Services

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
    """Tools bound to who asks and where."""

    def __init__(
        self, services: Services, question: IncomingMessage, asker: SlackUser, outbox: PendingFiles | None
    ) -> None:
        self._services = services
        self._question = question
        self._asker = asker
        self._outbox = outbox

    def all(self) -> list[LocalTool]:
        tools = [
            LocalTool(
                name="group_members",
                description="The people of a user group (@handle), with names and ids.",
                parameters=_object(["group"], group=_text("Handle, name or id of the user group.")),
                run=self._group_members,
            ),
            LocalTool(
                name="channel_members",
                description="The people of the channel in which the question was asked, with names and ids.",
                parameters=_object([]),
                run=self._channel_members,
            ),
            LocalTool(
                name="own_tool_calls",
                description=(
                    "Which tools you called for the asker's earlier questions in this thread, with arguments and "
                    "outcome. For questions such as 'how did you find that?'."
                ),
                parameters=_object([]),
                run=self._own_tool_calls,
            ),
            *self._rule_tools(),
        ]
        if self._outbox is not None:
            tools.append(self._share_file(self._outbox))
        return tools

    # -- people -----------------------------------------------------------------------------------------

    async def _group_members(self, arguments: Mapping[str, Any]) -> Json:
        wanted = required(arguments, "group").lstrip("@").casefold()
        groups: list[Json] = (await self._services.api("usergroups.list"))["usergroups"]
        for group in groups:
            if wanted in (str(group[name]).casefold() for name in ("id", "handle", "name")):
                listed = await self._services.api("usergroups.users.list", usergroup=group["id"])
                return {"group": group["handle"], **await self._people(listed["users"])}
        handles = sorted(str(group["handle"]) for group in groups)
        raise NotFound(f"There is no user group {wanted!r}.", candidates=handles[:10])

    async def _channel_members(self, arguments: Mapping[str, Any]) -> Json:
        members = await self._services.directory.members(self._question.channel)
        return await self._people(members)

    async def _people(self, users: list[str]) -> Json:
        people = [await self._services.directory.person(user) for user in users[:MAX_PEOPLE]]
        return {
            "people": [{"id": p.id, "name": p.name, "kind": p.kind} for p in people if not p.is_bot],
            "left_out": max(0, len(users) - MAX_PEOPLE),
        }

    # -- what was done ----------------------------------------------------------------------------------

    async def _own_tool_calls(self, arguments: Mapping[str, Any]) -> Json:
        recorder = self._services.agent.recorder
        if recorder is None:
            raise NotFound("Runs are not recorded here (ROOKERY_TRACES=off).")
        store = await recorder.store()
        runs: list[Json] = []
        for trace in await self._services.questions.traces_of(self._question):
            _, calls, _ = await store.calls(trace)
            shown = [
                {name: call[name] for name in ("server", "tool", "arguments", "state", "duration_ms")}
                for call in calls
            ]
            runs.append({"reference": trace, "calls": shown})
        return {"runs": runs}

    # -- a file for the thread --------------------------------------------------------------------------

    def _share_file(self, outbox: PendingFiles) -> LocalTool:
        async def share(arguments: Mapping[str, Any]) -> str:
            name, content = required(arguments, "name"), required(arguments, "content")
            outbox.add(name, content)
            return f"{name} will be posted below your answer."

        return LocalTool(
            name="share_file",
            description="Post a text file (a script, a CSV, a long list) below your answer in this thread.",
            parameters=_object(
                ["name", "content"], name=_text("File name with extension."), content=_text("The whole text.")
            ),
            run=share,
            # It goes where the answer goes, to the same readers, so it needs no more of a yes than the answer.
            read_only=True,
            foreign=False,
        )

    # -- standing rules ---------------------------------------------------------------------------------

    def _rule_tools(self) -> list[LocalTool]:
        if not self._services.settings.rules or self._services.agent.model.extractive:
            return []
        create = _object(
            ["name", "criteria", "action"],
            name=_text("A short name."),
            criteria=_text("When the rule is met, in words: what a message must be about."),
            action=_text(
                "What to find out or summarise when it is met; the result goes to the asker by direct message."
            ),
            channel=_text("Id of the channel to watch; default: this one. The asker must be in it."),
            examples={"type": "array", "items": {"type": "string"}, "description": "Messages that meet it."},
        )
        return [
            LocalTool(
                name="create_rule",
                description=(
                    "Set up a standing rule for the asker: when a message in a channel meets the criteria, do the "
                    "action and tell the asker in a direct message. Only when the asker wants one."
                ),
                parameters=create,
                run=self._create_rule,
                read_only=False,
                foreign=False,
            ),
            LocalTool(
                name="list_rules",
                description="The asker's standing rules.",
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
                "A rule watches a channel, not a direct message.", hint="Name the channel's id."
            )
        if not await self._services.directory.is_in(self._asker.id, channel):
            raise NotAllowed("The asker is not in that channel, or the bot is not.")
        examples: list[Any] = arguments.get("examples") or []
        rule_id = await self._services.rules.create(
            self._asker.id,
            required(arguments, "name"),
            channel,
            required(arguments, "criteria"),
            required(arguments, "action"),
            [str(example)[:500] for example in examples],
        )
        return {"rule_id": rule_id, "channel": channel}

    async def _list_rules(self, arguments: Mapping[str, Any]) -> Json:
        rules = await self._services.rules.of(self._asker.id)
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
            raise InvalidInput("rule_id must be a whole number.", hint="list_rules names them.")
        return {"deleted": await self._services.rules.delete(rule_id, self._asker.id)}
