"""Slack's Web API: one retry policy for every program.

slack-sdk repeats a POST after a broken connection, which posts a message twice; its retries are off, and this module
retries instead. Slack did nothing after a rate limit or without a connection, so every call is repeated then. When
the answer got lost, only a call that a repeat cannot change is repeated; any other raises SlackUncertain, and its
caller finds out what happened before it acts again.
"""

from __future__ import annotations

import asyncio
import math
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TYPE_CHECKING, Any, Protocol

from rookery_core.errors import RookeryError
from rookery_core.telemetry import get_logger
from rookery_slackapi.errors import (
    SlackLockedOut,
    SlackRateLimited,
    SlackUnavailable,
    SlackUncertain,
    error_of,
    outcome_unknown,
)

if TYPE_CHECKING:
    from slack_sdk.web.async_client import AsyncWebClient

    from rookery_slackapi.settings import SlackApiSettings

Json = dict[str, Any]
Sleep = Callable[[float], Awaitable[None]]

MAX_ATTEMPTS = 4
TIMEOUT_S = 20
REPEATABLE = frozenset(
    {
        "apps.connections.open",
        "assistant.threads.setStatus",
        "assistant.threads.setSuggestedPrompts",
        "assistant.threads.setTitle",
        "auth.test",
        "conversations.history",
        "conversations.info",
        "conversations.list",
        "conversations.members",
        "conversations.open",
        "conversations.replies",
        "files.getUploadURLExternal",
        "files.info",
        "usergroups.list",
        "usergroups.users.list",
        "users.conversations",
        "users.info",
        "users.list",
    }
)
"""Methods that read, or prepare something that nobody sees twice. Every other method is sent at most once."""
_JSON_FAMILIES = ("chat.", "views.", "assistant.", "reactions.", "files.complete")
logger = get_logger(__name__)


class RateLimit(Protocol):
    """A rate limit that several processes share."""

    async def wait_for_turn(self, method: str) -> None:
        """Return when the method may be called."""
        ...

    async def back_off(self, method: str, wait_s: float) -> None:
        """Make the next turn of every process wait."""
        ...


class SlackApi:
    """`await api("chat.postMessage", channel=…)` returns Slack's answer, or raises an error of rookery_slackapi.errors.

    patience_s: how long one call may wait in total. rate_limit: shared with other processes, where there is one.
    """

    def __init__(
        self,
        client: AsyncWebClient,
        *,
        patience_s: float,
        max_attempts: int = MAX_ATTEMPTS,
        rate_limit: RateLimit | None = None,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self.client = client
        self._patience_s = patience_s
        self._max_attempts = max_attempts
        self._rate_limit = rate_limit
        self._sleep = sleep

    async def __call__(self, method: str, *, wait: bool = True, **arguments: Any) -> Json:
        """Call a method. wait=False raises instead of waiting (for a status, or a part of a stream).

        Raises SlackRefused, SlackScopeMissing, SlackLockedOut, SlackRateLimited, SlackUnavailable, and, for a method
        that is not REPEATABLE, SlackUncertain.
        """
        given = {name: value for name, value in arguments.items() if value is not None}
        patience_s = self._patience_s if wait else 0.0
        for attempt in range(1, self._max_attempts + 1):
            if self._rate_limit:
                await self._rate_limit.wait_for_turn(method)
            try:
                return await self._send(method, given)
            except SlackLockedOut:
                raise
            except SlackUnavailable as error:
                delay_s = _delay(error, attempt)
                patience_s -= delay_s
                if patience_s < 0 or attempt == self._max_attempts:
                    raise
                logger.info("%s: retrying in %.1f s (%s)", method, delay_s, error.message)
                await self._wait(method, delay_s)
        raise AssertionError("unreachable: the last attempt returns or raises")

    async def pages(self, method: str, key: str, **arguments: Any) -> AsyncIterator[list[Json]]:
        """The lists under `key` of every page. Raises as a call does."""
        cursor: str | None = None
        while True:
            answer = await self(method, **arguments, cursor=cursor)
            yield answer.get(key) or []
            metadata: Json = answer.get("response_metadata") or {}
            cursor = metadata.get("next_cursor") or None
            if cursor is None:
                return

    async def _wait(self, method: str, delay_s: float) -> None:
        if self._rate_limit:
            await self._rate_limit.back_off(method, delay_s)
        else:
            await self._sleep(delay_s)

    async def _send(self, method: str, arguments: Json) -> Json:
        try:
            return await _send_once(self.client, method, arguments)
        except SlackUncertain as error:
            if method in REPEATABLE:
                raise SlackUnavailable(error.message) from None
            raise


def _delay(error: SlackUnavailable, attempt: int) -> float:
    if error.retry_after_s is not None:
        return error.retry_after_s
    return min(8.0, 0.25 * 2**attempt) * random.uniform(0.5, 1.0)  # noqa: S311


async def _send_once(client: AsyncWebClient, method: str, arguments: Json) -> Json:
    import aiohttp
    from slack_sdk.errors import SlackApiError, SlackRequestError

    try:
        response: Any = await _dispatch(client, method, arguments)
        return dict(response.data)
    except SlackApiError as error:
        raise _error_of(method, error.response) from None  # pyright: ignore[reportUnknownMemberType]
    except SlackRequestError as error:
        raise SlackUnavailable(f"Slack could not be asked for {method}: {error}.") from None
    except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError):
        raise SlackUnavailable(f"Slack is not reachable for {method}.") from None
    except (aiohttp.ClientError, OSError, TimeoutError, ValueError, TypeError, AttributeError) as error:
        # TypeError, AttributeError: the SDK takes any body that a proxy sends for Slack's JSON object.
        raise outcome_unknown(method, type(error).__name__) from None


def _dispatch(client: AsyncWebClient, method: str, arguments: Json) -> Any:
    """JSON carries nested arguments, but Slack's reading methods take only forms."""
    call: Any = client.api_call  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
    if method.startswith(_JSON_FAMILIES):
        return call(method, json=arguments)
    return call(method, params=arguments)


def _error_of(method: str, response: Any) -> RookeryError:
    """The error for an answer that is not ok, from Slack or from a proxy."""
    # For malformed JSON the SDK hands over aiohttp's response, which spells the status differently.
    status = getattr(response, "status_code", None) or response.status
    data: Any = getattr(response, "data", None)
    answer: Json = data if isinstance(data, dict) else {}  # pyright: ignore[reportUnknownVariableType]
    needed = answer.get("needed")
    error = error_of(
        method,
        str(answer.get("error") or ""),
        status,
        retry_after_s=_seconds(response.headers.get("Retry-After")),
        needed=needed if isinstance(needed, str) else None,
    )
    if isinstance(error, SlackRateLimited) and error.retry_after_s is not None:
        error.retry_after_s += random.uniform(0, 0.3)  # noqa: S311 spreads the processes that wait
    return error


def _seconds(header: str | None) -> float | None:
    """The value of Retry-After in seconds; None where there is none that makes sense."""
    try:
        seconds = float(header or "")
    except ValueError:
        return None
    return seconds if 0 <= seconds < math.inf else None


def web_client(token: str, settings: SlackApiSettings) -> AsyncWebClient:
    """slack-sdk's client, without its retries."""
    from slack_sdk.web.async_client import AsyncWebClient

    return AsyncWebClient(
        token=token,
        base_url=settings.slack_api_url,
        timeout=TIMEOUT_S,
        retry_handlers=[],
        trust_env_in_session=not settings.emulated,
    )


def connect(
    settings: SlackApiSettings, token: str | None = None, *, patience_s: float | None = None
) -> SlackApi:
    """The Web API, with the bot's token unless another is given. Raises ConfigurationError without a usable one."""
    client = web_client(token or settings.require_bot_token(), settings)
    return SlackApi(client, patience_s=settings.slack_patience_s if patience_s is None else patience_s)
