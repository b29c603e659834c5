"""What a model may do once it has read what others wrote. The harness decides, not the model."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from rookery.agent.addresses import addresses
from rookery.agent.links import LinkAllowlist
from rookery.traces.records import PendingAction


@dataclass(frozen=True, slots=True)
class Verdict:
    """allowed, or why not. confirmable: the asker's yes would make it allowed."""

    allowed: bool
    reason: str = ""
    confirmable: bool = False


ALLOWED = Verdict(True)


@dataclass(slots=True)
class ToolPolicy:
    """Follows one run. tainted: text of other people has been read.

    unconfirmed: tools that may write without a yes, by the operator's decision. foreign: servers of others whose
    descriptions of tools the model reads; what they say may be meant for the tools of another. internal_read: text of
    the organisation has been read, which a foreign server is given with nobody's yes only where mcp.json says so.
    """

    allowlist: LinkAllowlist
    unconfirmed: frozenset[str] = frozenset()
    tainted: bool = False
    foreign: frozenset[str] = frozenset()
    internal_read: bool = False
    pending: list[PendingAction] = field(default_factory=list[PendingAction])

    def judge(
        self,
        name: str,
        *,
        read_only: bool,
        confirm: bool | None,
        arguments: Mapping[str, Any],
        server: str = "",
    ) -> Verdict:
        """Whether the call may be made now. confirm: what mcp.json says of the tool, if anything. server: whose it is."""
        if address := self._constructed_address(arguments):
            return Verdict(
                False,
                f"its arguments hold an address that nobody gave in this conversation ({address})",
                True,
            )
        if confirm is False or name in self.unconfirmed:
            return ALLOWED
        if self.internal_read and server in self.foreign:
            return Verdict(False, "it may hand on what was read here to a server of somebody else", True)
        if read_only and not confirm:
            return ALLOWED
        if confirm or self.tainted or self.foreign - {server}:
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

        Fetching such an address would send out anything that the model was made to write into it. A plain path on
        a host that items of this run come from carries nothing.
        """
        if not self.tainted:
            return None
        for url in addresses(arguments):
            if not (
                self.allowlist.item(url) or self.allowlist.knows(url) or self.allowlist.carries_nothing(url)
            ):
                return url[:120]
        return None
