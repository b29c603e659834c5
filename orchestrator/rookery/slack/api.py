"""Slack's Web API as the bot uses it: every call knows whether it may be repeated.

Slack's own client retries a POST after a broken connection, which posts a message twice; so the retrying is
done here. A rate limit is waited out; a read or an edit is repeated; a post whose answer got lost raises
SlackUncertain, and whoever posted looks in the thread before doing anything else.
"""

from __future__ import annotations

import asyncio
import math
import random
from typing import TYPE_CHECKING, Any

from rookery.slack.errors import SlackLockedOut, SlackRefused, SlackUnavailable, SlackUncertain
from rookery_core.telemetry import get_logger

if TYPE_CHECKING:
    from slack_sdk.errors import SlackApiError
    from slack_sdk.web.async_client import AsyncWebClient

    from rookery.slack.settings import BotSettings

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
_NOT_DONE = frozenset({"service_unavailable", "request_timeout", "team_added_to_org"})
_DOUBTFUL = frozenset({"internal_error", "fatal_error", ""})
"""Slack says of these that some of the call may have taken effect; without a reason it was not Slack that answered."""
_RATE_LIMITS = frozenset({"ratelimited", "rate_limited"})
_LOCKED_OUT = frozenset(
    {"invalid_auth", "not_authed", "account_inactive", "token_revoked", "token_expired", "org_login_required"}
)
logger = get_logger(__name__)


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
            except SlackLockedOut:
                raise
            except SlackUnavailable as error:
                delay = error.retry_after_s if error.retry_after_s is not None else _backoff(attempt)
                patience -= delay
                if patience < 0 or attempt == self._attempts:
                    raise
                logger.info("%s: waiting %.1f s (%s)", method, delay, error.message)
                await asyncio.sleep(delay)
        raise AssertionError("unreachable: the last attempt answers or raises")

    async def _once(self, method: str, arguments: Json) -> Json:
        import aiohttp
        from slack_sdk.errors import SlackApiError, SlackRequestError

        try:
            response: Any = await _dispatch(self.client, method, arguments)
        except SlackApiError as error:
            raise _failure(method, error) from None
        except SlackRequestError as error:
            raise SlackUnavailable(f"Slack could not be asked for {method}: {error}.") from None
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError):
            raise SlackUnavailable(f"Slack cannot be reached for {method}.") from None
        except (aiohttp.ClientError, TimeoutError, ValueError, AttributeError) as error:
            # AttributeError: the SDK takes any body that a proxy makes up for Slack's JSON object.
            raise _doubt(
                method, f"The answer of Slack to {method} got lost ({type(error).__name__})."
            ) from None
        return dict(response.data)


def _dispatch(client: AsyncWebClient, method: str, arguments: Json) -> Any:
    """JSON carries nested arguments, but Slack's reading methods take only forms."""
    call: Any = client.api_call  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
    if method.startswith(("chat.", "views.", "assistant.", "reactions.", "files.complete")):
        return call(method, json=arguments)
    return call(method, params=arguments)


def _failure(method: str, error: SlackApiError) -> Exception:
    """What an answer that is not ok means for the bot, whoever gave it."""
    response: Any = error.response  # pyright: ignore[reportUnknownMemberType]
    status = (
        getattr(response, "status_code", None) or response.status
    )  # the SDK hands on aiohttp's for bad JSON
    data: Any = getattr(response, "data", None)
    answer: Json = data if isinstance(data, dict) else {}  # pyright: ignore[reportUnknownVariableType]
    reason = str(answer.get("error") or "")
    if status == 429 or reason in _RATE_LIMITS:
        wait_s = _seconds(response.headers.get("Retry-After")) + random.uniform(0, 0.3)  # noqa: S311
        return SlackUnavailable(f"Slack limits {method}.", retry_after_s=wait_s)
    if reason == "message_limit_exceeded":
        return SlackUnavailable("The workspace sends more messages than it may.", retry_after_s=60.0)
    if reason in _LOCKED_OUT:
        return SlackLockedOut(reason)
    if reason in _NOT_DONE:
        return SlackUnavailable(f"Slack had trouble with {method}: {reason}.")
    if status >= 500 or reason in _DOUBTFUL:
        return _doubt(method, f"Slack had trouble with {method}: {reason or f'HTTP {status}'}.")
    return SlackRefused(method, reason, needed=answer.get("needed"))


def _doubt(method: str, message: str) -> Exception:
    return (SlackUncertain if method in ONCE else SlackUnavailable)(message)


def _seconds(header: str | None) -> float:
    """The time that a limit lasts; a second when Slack, or who speaks for it, gives none that makes sense."""
    try:
        seconds = float(header or "")
    except ValueError:
        return 1.0
    return seconds if 0 <= seconds < math.inf else 1.0


def _backoff(attempt: int) -> float:
    return min(8.0, 0.25 * 2**attempt) * random.uniform(0.5, 1.0)  # noqa: S311


def connect(settings: BotSettings, token: str | None = None) -> SlackApi:
    """The Web API, with the bot's token unless another is given. Raises ConfigurationError without a usable one."""
    from slack_sdk.web.async_client import AsyncWebClient

    client = AsyncWebClient(
        token=token or settings.require_bot_token(),
        base_url=settings.slack_api_url,
        timeout=20,
        retry_handlers=[],
        trust_env_in_session=not settings.emulated,
    )
    return SlackApi(client, patience_s=settings.slack_patience_s)
