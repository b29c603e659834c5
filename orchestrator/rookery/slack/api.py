"""Slack's Web API as the bot uses it: every call knows whether it may be repeated.

Slack's own client retries a POST after a broken connection, which posts a message twice; so the retrying is
done here. A rate limit is waited out; a read or an edit is repeated; a post whose answer got lost raises
SlackUncertain, and whoever posted looks in the thread before doing anything else.
"""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING, Any

from rookery.slack.errors import SlackRefused, SlackUnavailable, SlackUncertain
from rookery_core.telemetry import get_logger

if TYPE_CHECKING:
    from slack_sdk.web.async_client import AsyncWebClient

    from rookery.slack.settings import SlackSettings

Json = dict[str, Any]

ONCE = frozenset(
    {
        "chat.postMessage",
        "chat.startStream",
        "chat.appendStream",
        "chat.stopStream",
        "chat.postEphemeral",
        "files.completeUploadExternal",
        "views.open",
    }
)
"""Methods that must not be repeated when it is unknown whether they took effect."""
_TRANSIENT = frozenset(
    {"internal_error", "fatal_error", "service_unavailable", "request_timeout", "team_added_to_org"}
)
_RATE_LIMITS = frozenset({"ratelimited", "rate_limited", "message_limit_exceeded"})
_log = get_logger(__name__)


class SlackApi:
    """`await api("chat.postMessage", channel=…)` gives Slack's answer, or raises one of rookery.slack.errors."""

    def __init__(self, client: AsyncWebClient, *, patience_s: float, attempts: int = 4) -> None:
        self.client = client
        self._patience_s = patience_s
        self._attempts = attempts

    async def __call__(self, method: str, *, wait: bool = True, **arguments: Any) -> Json:
        """Call a method. wait=False gives up at once where waiting is not worth it (a status, a part of a stream)."""
        given = {name: value for name, value in arguments.items() if value is not None}
        patience = self._patience_s if wait else 0.0
        for attempt in range(1, self._attempts + 1):
            try:
                return await self._once(method, given)
            except SlackUnavailable as error:
                delay = error.retry_after_s if error.retry_after_s is not None else _backoff(attempt)
                patience -= delay
                if patience < 0 or attempt == self._attempts:
                    raise
                _log.info("%s: waiting %.1f s (%s)", method, delay, error.message)
                await asyncio.sleep(delay)
        raise AssertionError("unreachable: the last attempt answers or raises")

    async def _once(self, method: str, arguments: Json) -> Json:
        import aiohttp
        from slack_sdk.errors import SlackApiError, SlackRequestError

        try:
            response: Any = await _dispatch(self.client, method, arguments)
        except SlackApiError as error:
            raise _refusal(method, error) from None
        except SlackRequestError as error:
            raise SlackUnavailable(f"Slack could not be asked for {method}: {error}.") from None
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError):
            raise SlackUnavailable(f"Slack cannot be reached for {method}.") from None
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            kind = SlackUncertain if method in ONCE else SlackUnavailable
            raise kind(f"The answer of Slack to {method} got lost ({type(error).__name__}).") from None
        return dict(response.data)


def _dispatch(client: AsyncWebClient, method: str, arguments: Json) -> Any:
    """JSON carries nested arguments, but Slack's reading methods take only forms."""
    call: Any = client.api_call  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
    if method.startswith(("chat.", "views.", "assistant.", "reactions.", "files.complete")):
        return call(method, json=arguments)
    return call(method, params=arguments)


def _refusal(method: str, error: Any) -> Exception:
    response: Any = error.response
    reason = str(response.get("error") or "unknown_error")
    if response.status_code == 429 or reason in _RATE_LIMITS:
        wait_s = float(response.headers.get("Retry-After", 1)) + random.uniform(0, 0.3)  # noqa: S311
        return SlackUnavailable(f"Slack limits {method}.", retry_after_s=wait_s)
    if response.status_code >= 500 or reason in _TRANSIENT:
        kind = SlackUncertain if method in ONCE and response.status_code != 503 else SlackUnavailable
        return kind(f"Slack had trouble with {method}: {reason}.")
    return SlackRefused(method, reason, needed=response.get("needed"))


def _backoff(attempt: int) -> float:
    return min(8.0, 0.25 * 2**attempt) * random.uniform(0.5, 1.0)  # noqa: S311


def connect(settings: SlackSettings) -> SlackApi:
    """The Web API with the bot's token. Raises ConfigurationError without a usable one."""
    from slack_sdk.web.async_client import AsyncWebClient

    client = AsyncWebClient(
        token=settings.require_bot_token(),
        base_url=settings.slack_api_url,
        timeout=20,
        retry_handlers=[],
        trust_env_in_session=not settings.emulated,
    )
    return SlackApi(client, patience_s=settings.slack_patience_s)
