"""`/rookery …`: what people and admins type. Every command leaves a line in the audit, refused ones too."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rookery.slack.people.control import Book
from rookery.slack.text.markup import escape
from rookery_core.errors import InvalidInput, NotAllowed, NotFound, RookeryError
from rookery_core.telemetry import get_logger
from rookery_slackapi.errors import SlackRefused

if TYPE_CHECKING:
    from rookery.slack.services import Services

Json = dict[str, Any]
_USER = re.compile(r"<@([UW][A-Z0-9]+)(?:\|[^>]*)?>|\b([UW][A-Z0-9]{7,})\b")
_PERMALINK = re.compile(r"/archives/([A-Z0-9]+)/p(\d{10})(\d{6})")
_MAX_CHARACTERS = 3_800
logger = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class CommandInput:
    """A command as somebody typed it."""

    user: str
    channel: str
    words: tuple[str, ...]

    @property
    def text(self) -> str:
        return " ".join(self.words)


@dataclass(frozen=True, slots=True)
class SlashCommand:
    """words: how it begins. rest: what follows, for the help."""

    words: tuple[str, ...]
    rest: str
    help: str
    run: Callable[[CommandInput], Awaitable[str]]
    admin: bool = True


class SlashCommands:
    """Finds and runs the command, for who may."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self.commands = [
            SlashCommand(("help",), "", "this list", self._help, admin=False),
            SlashCommand(("rules", "list"), "", "your standing rules", self._rules_list, admin=False),
            SlashCommand(
                ("rules", "delete"), "ID", "delete one of your rules", self._rules_delete, admin=False
            ),
            SlashCommand(("rules", "all"), "", "everybody's rules", self._rules_all),
            SlashCommand(
                ("users", "admins", "add"), "@user", "make somebody an admin", self._change("admin", add=True)
            ),
            SlashCommand(
                ("users", "admins", "remove"), "@user", "no admin any more", self._change("admin", add=False)
            ),
            SlashCommand(("users", "admins", "list"), "", "who the admins are", self._admins),
            SlashCommand(
                ("users", "ignored", "add"), "@user", "ignore somebody", self._change("ignored", add=True)
            ),
            SlashCommand(
                ("users", "ignored", "remove"),
                "@user",
                "stop ignoring somebody",
                self._change("ignored", add=False),
            ),
            SlashCommand(("users", "ignored", "list"), "", "who is ignored", self._ignored),
            SlashCommand(
                ("messages", "delete"), "PERMALINK", "delete an answer of mine", self._delete_message
            ),
            SlashCommand(("feedback",), "[DAYS]", "how answers were received", self._feedback),
            SlashCommand(("queue",), "", "what waits and what failed", self._queue),
            SlashCommand(("audit",), "", "the latest commands", self._audit),
        ]

    async def handle(self, payload: Json) -> Json:
        """Run a command; the answer is for its author only."""
        typed = CommandInput(
            str(payload.get("user_id")),
            str(payload.get("channel_id")),
            tuple(str(payload.get("text") or "").split()),
        )
        allowed = True
        try:
            text = await self._run(typed)
            outcome = "ok"
        except RookeryError as error:
            allowed = not isinstance(error, NotAllowed)
            text, outcome = str(error), error.code
        except Exception as error:
            logger.exception("the command %r failed", typed.text)
            text, outcome = "Something unexpected went wrong; the log has it.", type(error).__name__
        await self._services.control.audit(
            typed.user, typed.channel, typed.text, allowed=allowed, outcome=outcome
        )
        return {"response_type": "ephemeral", "text": _fitting(text)}

    async def _run(self, typed: CommandInput) -> str:
        command = self._find(typed.words)
        if command is None:
            return f"There is no command `{escape(typed.text)}`.\n{await self._help(typed)}"
        if command.admin and not await self._services.control.is_admin(typed.user):
            raise NotAllowed(
                "Only admins may do that.", hint="/rookery users admins list names them to an admin."
            )
        rest = typed.words[len(command.words) :]
        return await command.run(CommandInput(typed.user, typed.channel, rest))

    def _find(self, words: tuple[str, ...]) -> SlashCommand | None:
        if not words:
            return self.commands[0]
        return next(
            (c for c in self.commands if tuple(w.lower() for w in words[: len(c.words)]) == c.words), None
        )

    async def _help(self, typed: CommandInput) -> str:
        admin = await self._services.control.is_admin(typed.user)
        shown = [command for command in self.commands if admin or not command.admin]
        return "\n".join(f"`/rookery {' '.join((*c.words, c.rest)).strip()}` {c.help}" for c in shown)

    # -- people -----------------------------------------------------------------------------------------

    def _change(self, book: Book, *, add: bool) -> Callable[[CommandInput], Awaitable[str]]:
        async def change(typed: CommandInput) -> str:
            user = _user_in(typed)
            control = self._services.control
            if book == "admin" and user in control.configured_admins():
                return f"<@{user}> is an admin by configuration: only ROOKERY_SLACK_ADMINS changes that."
            done = await (control.add(book, user, typed.user) if add else control.remove(book, user))
            name = "an admin" if book == "admin" else "ignored"
            if not done:
                return f"<@{user}> is {name} already." if add else f"<@{user}> was not {name}."
            return f"<@{user}> is {name} now." if add else f"<@{user}> is not {name} any more."

        return change

    async def _admins(self, typed: CommandInput) -> str:
        lines = [f"<@{user}> (by configuration)" for user in self._services.control.configured_admins()]
        return (
            "\n".join(lines + await self._entries("admin"))
            or "There are no admins: set ROOKERY_SLACK_ADMINS."
        )

    async def _ignored(self, typed: CommandInput) -> str:
        return "\n".join(await self._entries("ignored")) or "Nobody is ignored."

    async def _entries(self, book: Book) -> list[str]:
        entries = await self._services.control.list(book)
        return [f"<@{e.user}> (by <@{e.added_by}>, {e.added_at:%Y-%m-%d})" for e in entries]

    # -- rules ------------------------------------------------------------------------------------------

    async def _rules_list(self, typed: CommandInput) -> str:
        rules = await self._services.rules.of(typed.user)
        return "\n".join(
            f"{r.id}. *{escape(r.name)}* in <#{r.channel}>: {escape(r.criteria)}" for r in rules
        ) or (
            "You have no rules. Ask me for one in words, such as: tell me when somebody mentions an outage here."
        )

    async def _rules_all(self, typed: CommandInput) -> str:
        rules = await self._services.rules.all()
        return (
            "\n".join(f"{r.id}. *{escape(r.name)}* of <@{r.owner}> in <#{r.channel}>" for r in rules)
            or "None."
        )

    async def _rules_delete(self, typed: CommandInput) -> str:
        rule_id = _number_in(typed)
        if rule_id is None:
            raise InvalidInput("Say which rule: its number.", hint="/rookery rules list shows the numbers.")
        admin = await self._services.control.is_admin(typed.user)
        name = await self._services.rules.delete(rule_id, None if admin else typed.user)
        return f"The rule {escape(name)} is deleted."

    # -- the bot's own work -----------------------------------------------------------------------------

    async def _delete_message(self, typed: CommandInput) -> str:
        match = _PERMALINK.search(typed.text)
        if match is None:
            raise InvalidInput("That is no permalink of a message.", hint="Copy it with Slack's “Copy link”.")
        try:
            await self._services.api("chat.delete", channel=match[1], ts=f"{match[2]}.{match[3]}")
        except SlackRefused as refused:
            if refused.reason not in ("message_not_found", "cant_delete_message", "channel_not_found"):
                raise
            raise NotFound("There is no message of mine there.", hint="I delete only what I wrote.") from None
        return "The message is deleted."

    async def _feedback(self, typed: CommandInput) -> str:
        days = _number_in(typed) if typed.words else 30
        if days is None or not 1 <= days <= 3650:
            raise InvalidInput("DAYS is a whole number from 1 to 3650.")
        summary = await self._services.feedback.summary(days)
        stars = f", {summary.mean_stars} of 5 on average of {summary.rated}" if summary.rated else ""
        return f"In the last {days} days: {summary.up} 👍, {summary.down} 👎, {summary.comments} comments{stars}."

    async def _queue(self, typed: CommandInput) -> str:
        stats = await self._services.queue.stats()
        lines = [
            f"`{row['subscription']}`: {row['ready']} ready, {row['leased']} at work, {row['scheduled']} later, "
            f"{row['blocked']} behind another, {row['dead']} failed"
            for row in stats["subscriptions"]
        ]
        return "\n".join(lines) or "Nothing is subscribed."

    async def _audit(self, typed: CommandInput) -> str:
        lines = await self._services.control.audit_lines(20)
        return "\n".join(
            f"{line.at:%Y-%m-%d %H:%M} <@{line.actor}> `{escape(line.command)}` "
            f"{line.outcome if line.allowed else 'refused'}"
            for line in lines
        )


def _fitting(text: str) -> str:
    """As many lines as Slack takes, with the number of the others."""
    if len(text) <= _MAX_CHARACTERS:
        return text
    kept = text[:_MAX_CHARACTERS].rpartition("\n")[0] or text[:_MAX_CHARACTERS]
    left = text.count("\n") - kept.count("\n")
    return f"{kept}\n… and {left} more lines"


def _number_in(typed: CommandInput) -> int | None:
    """The number that follows a command; None where something else does, or nothing."""
    word = typed.words[0] if typed.words else ""
    return int(word) if word.isascii() and word.isdecimal() and len(word) <= 20 else None


def _user_in(typed: CommandInput) -> str:
    match = _USER.search(typed.text)
    if match is None:
        raise InvalidInput("Say who: @name.", hint="Pick the person from Slack's list while you type.")
    return match[1] or match[2]
