"""Bearer tokens and JWTs at the door of an HTTP server."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastmcp.server.auth import AccessToken, TokenVerifier

from rookery_core.errors import ConfigurationError
from rookery_core.identity.caller import Caller
from rookery_core.identity.tokens import TokenBook, read_tokens

if TYPE_CHECKING:
    from rookery_core.settings import CoreSettings


class BearerVerifier(TokenVerifier):
    """Accepts the tokens of ROOKERY_HTTP_TOKENS, and JWTs of the configured issuer when there is one."""

    def __init__(self, book: TokenBook, team: str, jwt: TokenVerifier | None = None) -> None:
        super().__init__()
        self._book = book
        self._team = team
        self._jwt = jwt

    async def verify_token(self, token: str) -> AccessToken | None:
        entry = self._book.find(token)
        if entry is not None:
            return _access(token, entry.caller())
        if self._jwt is None:
            return None
        verified = await self._jwt.verify_token(token)
        return _access(token, _caller_of_jwt(verified, self._team)) if verified else None


def verifier(settings: CoreSettings) -> BearerVerifier | None:
    """The verifier that the settings ask for, or None when they name no token and no issuer."""
    book = read_tokens(settings.http_tokens.get_secret_value() if settings.http_tokens else None)
    jwt = _jwt_verifier(settings)
    if not book and jwt is None:
        return None
    return BearerVerifier(book, settings.team, jwt)


def _access(token: str, caller: Caller) -> AccessToken:
    return AccessToken(
        token=token,
        client_id=caller.user or "anonymous",
        scopes=sorted(caller.scopes),
        claims={
            "team": caller.team,
            "user": caller.user,
            "kind": caller.kind,
            "scopes": sorted(caller.scopes),
        },
    )


def _caller_of_jwt(token: AccessToken, team: str) -> Caller:
    subject = token.claims.get("sub")
    claimed = token.claims.get("rookery_team")
    return Caller(
        team=claimed if isinstance(claimed, str) and claimed else team,
        user=str(subject) if subject else None,
        kind="member" if subject else "anonymous",
        scopes=frozenset(token.scopes),
    )


def _jwt_verifier(settings: CoreSettings) -> TokenVerifier | None:
    url, issuer, audience = settings.jwt_jwks_url, settings.jwt_issuer, settings.jwt_audience
    if not (url or issuer or audience):
        return None
    if not (url and issuer and audience):
        raise ConfigurationError(
            "JWTs need all of ROOKERY_JWT_JWKS_URL, ROOKERY_JWT_ISSUER and ROOKERY_JWT_AUDIENCE.",
            hint="Without issuer and audience any token of that key server would be accepted.",
        )
    from fastmcp.server.auth.providers.jwt import JWTVerifier

    return JWTVerifier(jwks_uri=url, issuer=issuer, audience=audience)
