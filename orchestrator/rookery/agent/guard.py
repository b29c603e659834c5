"""What a model may do once it has read what others wrote. The harness decides, not the model."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from rookery.agent.links import LinkBook
from rookery.agent.question import PendingAction
from rookery.agent.sources import trimmed, urls_in


@dataclass(frozen=True, slots=True)
class Verdict:
    """allowed, or why not. confirmable: the asker's yes would make it allowed."""

    allowed: bool
    reason: str = ""
    confirmable: bool = False


ALLOWED = Verdict(True)


@dataclass(slots=True)
class Guard:
    """Follows one run. tainted: text of other people has been read.

    unconfirmed: tools that may write without a yes, by the operator's decision.
    """

    book: LinkBook
    unconfirmed: frozenset[str] = frozenset()
    tainted: bool = False
    pending: list[PendingAction] = field(default_factory=list[PendingAction])

    def judge(
        self, name: str, *, read_only: bool, confirm: bool | None, arguments: Mapping[str, Any]
    ) -> Verdict:
        """Whether the call may be made now. confirm: what mcp.json says of the tool, if anything."""
        if address := self._constructed_address(arguments):
            return Verdict(
                False,
                f"its arguments hold an address that nobody gave in this conversation ({address})",
                True,
            )
        if read_only and not confirm:
            return ALLOWED
        if confirm is False or name in self.unconfirmed:
            return ALLOWED
        if confirm or self.tainted:
            return Verdict(False, "it changes something, and text of other people was read before", True)
        return ALLOWED

    def ask(
        self,
        server: str,
        tool: str,
        arguments: Mapping[str, Any],
        reason: str,
        trace_id: str,
        user: str | None,
    ) -> PendingAction:
        """Note a call that waits for the asker's yes. The same call waits once."""
        for action in self.pending:
            if (action.server, action.tool, action.arguments) == (server, tool, arguments):
                return action
        action = PendingAction(
            id=secrets.token_urlsafe(12), server=server, tool=tool, arguments=dict(arguments), reason=reason,
            trace_id=trace_id, user=user,
        )  # fmt: skip
        self.pending.append(action)
        return action

    def _constructed_address(self, arguments: Mapping[str, Any]) -> str | None:
        """An address in the arguments that was put together, rather than read or given.

        Fetching such an address would carry out whatever the model was talked into writing into it. A plain path on
        a host that items of this run come from carries nothing.
        """
        if not self.tainted:
            return None
        for url in _addresses(arguments):
            plain = not any(mark in url for mark in "?#@")
            if not (self.book.item(url) or self.book.knows(url) or (plain and self.book.known_host(url))):
                return url[:120]
        return None


_NETWORK = re.compile(r"^(?:https?|wss?|ftp|sftp|ssh|git|smb|ldap|mailto)\b", re.IGNORECASE)
_ADDRESS_NAMES = re.compile(r"url|uri|link|href|host|domain|endpoint|webhook|address|server", re.IGNORECASE)
_BARE = re.compile(r"(?:[a-z0-9-]+\.)+[a-z]{2,24}(?::\d+)?(?:[/?]\S*)?", re.IGNORECASE)


def _addresses(arguments: Mapping[str, Any]) -> Iterator[str]:
    """The network addresses in the arguments of a call; without a scheme where the argument's name asks for one."""
    for url in urls_in(_all_text(arguments)):
        if _NETWORK.match(url):
            yield trimmed(url)
    for name, value in arguments.items():
        if isinstance(value, str) and _ADDRESS_NAMES.search(name) and _BARE.fullmatch(value.strip()):
            yield f"https://{value.strip()}"


def _all_text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, Mapping):
        pairs = cast(Mapping[str, Any], value).items()
        return "\n".join(_all_text(part) for pair in pairs for part in pair)
    if isinstance(value, list | tuple):
        return "\n".join(_all_text(part) for part in cast(Sequence[Any], value))
    return ""
