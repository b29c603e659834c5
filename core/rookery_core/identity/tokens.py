"""Bearer tokens of hosted servers: who each belongs to, kept as hashes only.

ROOKERY_HTTP_TOKENS holds JSON, or `@/path/to/file` with JSON: a list of objects
`{"hash": "<sha256 of the token, hexadecimal>", "team": …, "user": …, "kind": …, "scopes": […]}`.
Only `hash` is required. A token without `user` reads public content only; scope `delegate` lets the bot ask
for the people who ask it.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
    field_validator,
    model_validator,
)

from rookery_core.errors import ConfigurationError
from rookery_core.identity.caller import DEFAULT_TEAM, Caller
from rookery_core.identity.user_ids import checked_user_id

VARIABLE = "ROOKERY_HTTP_TOKENS"


class TokenEntry(BaseModel):
    """One token: the hash by which it is known, and the caller it stands for."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    hash: str = Field(pattern=r"^[0-9a-f]{64}$")
    team: str = DEFAULT_TEAM
    user: str | None = None
    kind: Literal["member", "guest", "outsider", "agent"] | None = None
    scopes: tuple[str, ...] = ()

    @field_validator("user")
    @classmethod
    def _is_an_id(cls, user: str | None) -> str | None:
        return user if user is None else checked_user_id(user)

    @model_validator(mode="after")
    def _kind_needs_user(self) -> TokenEntry:
        if self.kind not in (None, "agent") and not self.user:
            raise ValueError(f"kind {self.kind!r} needs a user")
        return self

    def caller(self) -> Caller:
        kind = self.kind or ("member" if self.user else "anonymous")
        return Caller(team=self.team, user=self.user, kind=kind, scopes=frozenset(self.scopes))


class TokenBook:
    """The tokens a server knows."""

    def __init__(self, entries: Sequence[TokenEntry]) -> None:
        self._entries = {entry.hash: entry for entry in entries}

    def __len__(self) -> int:
        return len(self._entries)

    def find(self, token: str) -> TokenEntry | None:
        """The entry of a token, or None. Compares hashes in constant time."""
        digest = hash_token(token)
        found: TokenEntry | None = None
        for known, entry in self._entries.items():
            if hmac.compare_digest(known, digest):
                found = entry
        return found


def hash_token(token: str) -> str:
    """SHA-256 in hexadecimal. Tokens are long and random, so no slow hash is needed."""
    return hashlib.sha256(token.encode()).hexdigest()


def new_token(
    user: str | None = None, *, team: str = DEFAULT_TEAM, scopes: Sequence[str] = ()
) -> tuple[str, dict[str, Any]]:
    """A fresh token and the entry for ROOKERY_HTTP_TOKENS that makes it known."""
    token = "rk_" + secrets.token_urlsafe(32)
    entry = TokenEntry(hash=hash_token(token), team=team, user=user, scopes=tuple(scopes))
    return token, entry.model_dump(exclude_none=True, mode="json")


def read_tokens(value: str | None) -> TokenBook:
    """The tokens of ROOKERY_HTTP_TOKENS. Raises ConfigurationError that names the entry and the field."""
    if not value or not value.strip():
        return TokenBook(())
    text = _file(value[1:]) if value.startswith("@") else value
    try:
        return TokenBook(TypeAdapter(list[TokenEntry]).validate_python(json.loads(text)))
    except json.JSONDecodeError as error:
        reason = f"not JSON (line {error.lineno}, column {error.colno})"
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        reason = f"entry {'.'.join(map(str, first['loc']))}: {first['msg']}"
    raise ConfigurationError(
        f"{VARIABLE}: {reason}.", hint="Make a token and its entry with `rookery token new --user U123`."
    )


def _file(path: str) -> str:
    try:
        return Path(path).expanduser().read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(f"{VARIABLE}: cannot read {path}: {error.strerror}.") from None
