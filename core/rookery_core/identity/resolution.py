"""From a request to its caller: exactly one source decides, and nothing falls back to more rights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from rookery_core.errors import NotAllowed
from rookery_core.identity.asker import ASKER_META_KEY, AskerVerifier
from rookery_core.identity.caller import Caller

DELEGATE_SCOPE = "delegate"


@dataclass(frozen=True, slots=True)
class CallerResolver:
    """Decides who asks.

    team: the tenant of callers that no token names. as_user: the person a stdio server was started for.
    askers: checks signed askers, or None when no ROOKERY_CONTEXT_KEY is set.
    """

    team: str
    as_user: str | None = None
    askers: AskerVerifier | None = None

    def resolve(self, meta: Any, bearer: Caller | None, *, over_http: bool) -> Caller:
        """The caller of a request with this `_meta`, from this bearer (None: no token).

        A bearer with scope `delegate` asks for others only: without a signed asker it is anonymous.
        Raises NotAllowed when a signed asker is present, even as null, and may not be accepted: a request that claims
        somebody's identity is never served under another.
        """
        claims = _claims(meta)
        if ASKER_META_KEY in claims:
            return self._delegated(claims[ASKER_META_KEY], bearer, over_http=over_http)
        if bearer is not None:
            return Caller(team=bearer.team) if DELEGATE_SCOPE in bearer.scopes else bearer
        if self.as_user and not over_http:
            return Caller(team=self.team, user=self.as_user, kind="member")
        return Caller(team=self.team)

    def _delegated(self, signed: object, bearer: Caller | None, *, over_http: bool) -> Caller:
        if self.askers is None:
            raise NotAllowed(
                "This server accepts no signed asker.",
                hint="Set ROOKERY_CONTEXT_KEY on the server and on the bot.",
            )
        if over_http and (bearer is None or DELEGATE_SCOPE not in bearer.scopes):
            raise NotAllowed(
                "Only a token with scope 'delegate' may ask on behalf of others.",
                hint="Give the bot's token that scope in ROOKERY_HTTP_TOKENS.",
            )
        if not over_http and self.as_user:
            raise NotAllowed("This server was started with --as-user; it asks for nobody else.")
        if not isinstance(signed, str):
            raise NotAllowed("The signed asker is not a string.")
        caller = self.askers.verify(signed)
        if bearer is not None and bearer.team != caller.team:
            raise NotAllowed("The signed asker is of another team than the token.")
        return caller


def _claims(meta: Any) -> Mapping[str, Any]:
    """`_meta` as a mapping. Raises NotAllowed for any other shape, in which no claim could be recognised."""
    if meta is None:
        return {}
    if isinstance(meta, Mapping):
        return cast("Mapping[str, Any]", meta)
    raise NotAllowed("The request's _meta must be an object.")
