"""Slack's Web API within its limits, which all copies of the program share through the database."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TYPE_CHECKING, Any

from rookery_core.errors import ConfigurationError, NotAllowed, RateLimited, Unavailable
from rookery_core.telemetry import get_logger
from rookery_slack.store import bookkeeping

if TYPE_CHECKING:
    from slack_sdk.web.async_client import AsyncWebClient

    from rookery_core.database import Database
    from rookery_core.identity import Caller

_log = get_logger(__name__)
CALLS_A_MINUTE = {
    "conversations.history": 50,
    "conversations.replies": 50,
    "conversations.list": 20,
    "conversations.members": 100,
    "conversations.info": 50,
    "users.conversations": 20,
    "users.list": 20,
    "usergroups.list": 20,
}
BURST_SHARE = 0.9
"""How much of a limit is used, so that other programs of the same app have some."""
_ATTEMPTS = 6
_REFUSALS = frozenset(
    {"not_in_channel", "channel_not_found", "thread_not_found", "is_archived", "message_not_found"}
)
_TOKEN_PROBLEMS = frozenset(
    {"invalid_auth", "not_authed", "token_revoked", "account_inactive", "token_expired"}
)

Sleep = Callable[[float], Awaitable[None]]


class SlackApi:
    """Calls methods one page at a time, each in its turn; waits as Slack says when it says so."""

    def __init__(
        self, client: AsyncWebClient, database: Database, caller: Caller, *, sleep: Sleep = asyncio.sleep
    ) -> None:
        self._client = client
        self._database = database
        self._caller = caller
        self._sleep = sleep

    async def call(self, method: str, **arguments: Any) -> dict[str, Any]:
        """One call. Raises NotAllowed (Slack refuses), ConfigurationError (token, scope), RateLimited, Unavailable."""
        for _ in range(_ATTEMPTS):
            await self._wait_for_turn(method)
            wait_s = await self._try(method, arguments)
            if isinstance(wait_s, dict):
                return wait_s
            _log.info("Slack asks to wait %.0f s before %s", wait_s, method)
            async with self._database.transaction(self._caller) as connection:
                await bookkeeping.back_off(connection, self._caller, method, wait_s)
        raise RateLimited(f"Slack limits {method} and does not relent.", retry_after_s=60)

    async def pages(self, method: str, key: str, **arguments: Any) -> AsyncIterator[list[dict[str, Any]]]:
        """The lists under `key` of every page."""
        cursor: str | None = None
        while True:
            given: dict[str, Any] = {**arguments, "cursor": cursor} if cursor else arguments
            answer = await self.call(method, **given)
            yield answer.get(key) or []
            metadata: dict[str, Any] = answer.get("response_metadata") or {}
            cursor = metadata.get("next_cursor")
            if not cursor:
                return

    async def _wait_for_turn(self, method: str) -> None:
        spacing_s = 60 / (CALLS_A_MINUTE.get(method, 50) * BURST_SHARE)
        async with self._database.transaction(self._caller) as connection:
            wait_s = await bookkeeping.take_turn(connection, self._caller, method, spacing_s)
        if wait_s > 0:
            await self._sleep(wait_s)

    async def _try(self, method: str, arguments: dict[str, Any]) -> dict[str, Any] | float:
        """The answer, or how many seconds to wait before the next attempt."""
        from aiohttp import ClientError
        from slack_sdk.errors import SlackApiError

        client: Any = self._client  # slack_sdk's types say less than strict checking wants to know
        try:
            response = await client.api_call(method, params=arguments)
        except SlackApiError as error:
            refusal: Any = error.response  # pyright: ignore[reportUnknownMemberType]
            if refusal.status_code == 429:
                return float(refusal.headers.get("Retry-After", 30))
            code = refusal.get("error") or f"HTTP {refusal.status_code}"
            raise _explained(method, code, refusal) from None
        except (ClientError, TimeoutError, OSError) as error:
            raise Unavailable(f"Slack is not reachable: {type(error).__name__}.", retry_after_s=30) from None
        return dict(response.data)


def _explained(method: str, code: str, response: Any) -> Exception:
    if code == "missing_scope":
        return ConfigurationError(
            f"Slack refuses {method}: the token lacks the scope {response.get('needed')}.",
            hint="Add the scope to the app, then install the app to the workspace again.",
        )
    if code in _TOKEN_PROBLEMS:
        return ConfigurationError(
            f"Slack refuses the bot token ({code}).",
            hint="Set SLACK_BOT_TOKEN or ROOKERY_SLACK_INGEST_BOT_TOKEN to the token under OAuth & Permissions.",
        )
    if code in _REFUSALS:
        return NotAllowed(f"Slack refuses {method}: {code}.")
    return Unavailable(f"Slack refuses {method}: {code}.", retry_after_s=60)


def web_client(token: str, url: str) -> AsyncWebClient:
    """Slack's own client, without retries of its own: SlackApi knows the limits of all copies."""
    from slack_sdk.web.async_client import AsyncWebClient

    return AsyncWebClient(token=token, base_url=url, timeout=30)
