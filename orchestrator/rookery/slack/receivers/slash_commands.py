"""The slash command `/rookery`. Every command, refused ones included, is written to the audit."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rookery.slack.people.control import ControlList
from rookery.slack.stores import Stores
from rookery.slack.text.markup import escape
from rookery_core.errors import InvalidInput, NotAllowed, NotFound, RookeryError
from rookery_core.telemetry import get_logger
from rookery_slackapi.errors import SlackRefused
from rookery_slackapi.web import SlackApi

if TYPE_CHECKING:
    from rookery_core.queue import Queue

Json = dict[str, Any]
_USER = re.compile(r"<@([UW][A-Z0-9]+)(?:\|[^>]*)?>|\b([UW][A-Z0-9]{7,})\b")
_PERMALINK = re.compile(r"/archives/([A-Z0-9]+)/p(\d{10})(\d{6})")
_MAX_CHARACTERS = 3_800
logger = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class CommandInput:
    """A command as a person typed it."""

    user: str
    channel: str
    words: tuple[str, ...]

    @property
    def text(self) -> str:
        return " ".join(self.words)


@dataclass(frozen=True, slots=True)
class SlashCommand:
    """One command. words: its name. arguments: what follows, for the help."""

    words: tuple[str, ...]
    arguments: str
    help: str
    run: Callable[[CommandInput], Awaitable[str]]
    admin: bool = True


class SlashCommands:
    """Finds a command and runs it when its author may."""

    def __init__(self, api: SlackApi, stores: Stores, queue: Queue) -> None:
        self._api = api
        self._stores = stores
        self._queue = queue
        self.commands = [
            SlashCommand(("help",), "", "this list", self._help, admin=False),
            SlashCommand(("rules", "list"), "", "your standing rules", self._rules_list, admin=False),
            SlashCommand(
                ("rules", "delete"), "ID", "delete one of your rules", self._rules_delete, admin=False
            ),
            SlashCommand(("rules", "all"), "", "all rules", self._rules_all),
            SlashCommand(
                ("users", "admins", "add"), "@user", "make a person an admin", self._change("admin", add=True)
            ),
            SlashCommand(
                ("users", "admins", "remove"), "@user", "remove an admin", self._change("admin", add=False)
            ),
            SlashCommand(("users", "admins", "list"), "", "list the admins", self._admins),
            SlashCommand(
                ("users", "ignored", "add"), "@user", "ignore a person", self._change("ignored", add=True)
            ),
            SlashCommand(
                ("users", "ignored", "remove"),
                "@user",
                "stop ignoring a person",
                self._change("ignored", add=False),
            ),
            SlashCommand(("users", "ignored", "list"), "", "list the ignored people", self._ignored),
            SlashCommand(
                ("messages", "delete"), "PERMALINK", "delete an answer of the bot", self._delete_message
            ),
            SlashCommand(("feedback",), "[DAYS]", "summary of the feedback", self._feedback),
            SlashCommand(("queue",), "", "events that wait or failed", self._queue_state),
            SlashCommand(("audit",), "", "the latest commands", self._audit),
        ]

    async def run_command(self, payload: Json) -> Json:
        """Run a command; returns a message that only its author sees."""
        command = CommandInput(
            str(payload.get("user_id")),
            str(payload.get("channel_id")),
            tuple(str(payload.get("text") or "").split()),
        )
        allowed = True
        try:
            text = await self._run(command)
            outcome = "ok"
        except RookeryError as error:
            allowed = not isinstance(error, NotAllowed)
            text, outcome = str(error), error.code
        except Exception as error:
            logger.exception("the command %r failed", command.text)
            text, outcome = "Something unexpected went wrong. The log has the details.", type(error).__name__
        await self._stores.control.record_command(
            command.user, command.channel, command.text, allowed=allowed, outcome=outcome
        )
        return {"response_type": "ephemeral", "text": _clip_lines(text)}

    async def _run(self, command: CommandInput) -> str:
        entry = self._find(command.words)
        if entry is None:
            return f"There is no command `{escape(command.text)}`.\n{await self._help(command)}"
        if entry.admin and not await self._stores.control.is_admin(command.user):
            raise NotAllowed(
                "Only admins may run this command.",
                hint="An admin can list them: /rookery users admins list.",
            )
        arguments = command.words[len(entry.words) :]
        return await entry.run(CommandInput(command.user, command.channel, arguments))

    def _find(self, words: tuple[str, ...]) -> SlashCommand | None:
        if not words:
            return self.commands[0]
        return next(
            (c for c in self.commands if tuple(w.lower() for w in words[: len(c.words)]) == c.words), None
        )

    async def _help(self, command: CommandInput) -> str:
        admin = await self._stores.control.is_admin(command.user)
        shown = [entry for entry in self.commands if admin or not entry.admin]
        return "\n".join(f"`/rookery {' '.join((*c.words, c.arguments)).strip()}` {c.help}" for c in shown)

    # -- people -----------------------------------------------------------------------------------------

    def _change(self, name: ControlList, *, add: bool) -> Callable[[CommandInput], Awaitable[str]]:
        async def change(command: CommandInput) -> str:
            user = _user_in(command)
            control = self._stores.control
            if name == "admin" and user in control.configured_admins():
                return f"<@{user}> is an admin by configuration. Change ROOKERY_SLACK_ADMINS instead."
            changed = await (
                control.add_user(name, user, command.user) if add else control.remove_user(name, user)
            )
            state = "an admin" if name == "admin" else "ignored"
            if not changed:
                return f"<@{user}> is already {state}." if add else f"<@{user}> was not {state}."
            return f"<@{user}> is now {state}." if add else f"<@{user}> is no longer {state}."

        return change

    async def _admins(self, command: CommandInput) -> str:
        lines = [f"<@{user}> (by configuration)" for user in self._stores.control.configured_admins()]
        return (
            "\n".join(lines + await self._entries("admin"))
            or "There are no admins: set ROOKERY_SLACK_ADMINS."
        )

    async def _ignored(self, command: CommandInput) -> str:
        return "\n".join(await self._entries("ignored")) or "Nobody is ignored."

    async def _entries(self, name: ControlList) -> list[str]:
        entries = await self._stores.control.list_users(name)
        return [f"<@{e.user}> (by <@{e.added_by}>, {e.added_at:%Y-%m-%d})" for e in entries]

    # -- rules ------------------------------------------------------------------------------------------

    async def _rules_list(self, command: CommandInput) -> str:
        rules = await self._stores.rules.list_rules_of(command.user)
        return "\n".join(
            f"{r.id}. *{escape(r.name)}* in <#{r.channel}>: {escape(r.criteria)}" for r in rules
        ) or (
            "You have no rules. Ask me for one in words, such as: tell me when an outage is mentioned here."
        )

    async def _rules_all(self, command: CommandInput) -> str:
        rules = await self._stores.rules.list_all_rules()
        return (
            "\n".join(f"{r.id}. *{escape(r.name)}* of <@{r.owner}> in <#{r.channel}>" for r in rules)
            or "There are no rules."
        )

    async def _rules_delete(self, command: CommandInput) -> str:
        rule_id = _number_in(command)
        if rule_id is None:
            raise InvalidInput(
                "ID must be the number of a rule.", hint="/rookery rules list shows the numbers."
            )
        admin = await self._stores.control.is_admin(command.user)
        name = await self._stores.rules.delete_rule(rule_id, None if admin else command.user)
        return f"The rule {escape(name)} is deleted."

    # -- the bot's work -----------------------------------------------------------------------------

    async def _delete_message(self, command: CommandInput) -> str:
        match = _PERMALINK.search(command.text)
        if match is None:
            raise InvalidInput(
                "PERMALINK must be the link of a message.", hint="Copy it with Slack's “Copy link”."
            )
        try:
            await self._api("chat.delete", channel=match[1], ts=f"{match[2]}.{match[3]}")
        except SlackRefused as refused:
            if refused.reason not in ("message_not_found", "cant_delete_message", "channel_not_found"):
                raise
            raise NotFound(
                "There is no message of the bot at this link.", hint="The bot deletes only its own messages."
            ) from None
        return "The message is deleted."

    async def _feedback(self, command: CommandInput) -> str:
        days = _number_in(command) if command.words else 30
        if days is None or not 1 <= days <= 3650:
            raise InvalidInput("DAYS must be a whole number from 1 to 3650.")
        summary = await self._stores.feedback.summarize(days)
        stars = f", {summary.mean_stars} of 5 on average of {summary.rated}" if summary.rated else ""
        return f"In the last {days} days: {summary.up} 👍, {summary.down} 👎, {summary.comments} comments{stars}."

    async def _queue_state(self, command: CommandInput) -> str:
        stats = await self._queue.stats()
        lines = [
            f"`{row['subscription']}`: {row['ready']} ready, {row['leased']} in progress, "
            f"{row['scheduled']} scheduled, {row['blocked']} blocked, {row['dead']} failed"
            for row in stats["subscriptions"]
        ]
        return "\n".join(lines) or "There are no subscriptions."

    async def _audit(self, command: CommandInput) -> str:
        lines = await self._stores.control.list_commands(20)
        return "\n".join(
            f"{line.at:%Y-%m-%d %H:%M} <@{line.actor}> `{escape(line.command)}` "
            f"{line.outcome if line.allowed else 'refused'}"
            for line in lines
        )


def _clip_lines(text: str) -> str:
    """As many lines as Slack accepts, with the number of the others."""
    if len(text) <= _MAX_CHARACTERS:
        return text
    kept = text[:_MAX_CHARACTERS].rpartition("\n")[0] or text[:_MAX_CHARACTERS]
    omitted = text.count("\n") - kept.count("\n")
    return f"{kept}\n… and {omitted} more lines"


def _number_in(command: CommandInput) -> int | None:
    """The number that follows the command; None without one."""
    word = command.words[0] if command.words else ""
    return int(word) if word.isascii() and word.isdecimal() and len(word) <= 20 else None


def _user_in(command: CommandInput) -> str:
    match = _USER.search(command.text)
    if match is None:
        raise InvalidInput(
            "@user must be a person.", hint="Choose the person from Slack's list while you type @."
        )
    return match[1] or match[2]
