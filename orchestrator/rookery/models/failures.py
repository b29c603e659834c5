"""The errors of the providers' SDKs, classed by what to do about them. Both SDKs have the same shape of error."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Generator
from contextlib import contextmanager
from email.utils import parsedate_to_datetime
from typing import Any, cast

from rookery.models.protocol import (
    ContextTooLong,
    ModelError,
    ModelKeyRefused,
    ModelOverloaded,
    ModelRefusedRequest,
    ModelUnreachable,
)

_TOO_LONG = re.compile(
    r"context[ _]?(length|window|limit|size)|(prompt|input) is too long|too many (input )?tokens|maximum context"
    r"|exceeds? the (model|limit|maximum).*token|max_new_tokens`? must be",
    re.IGNORECASE,
)
_OVERLOADED_TYPES = frozenset(
    {"overloaded_error", "rate_limit_error", "rate_limit_exceeded", "server_is_overloaded"}
)
_UNPAID_TYPES = frozenset({"billing_error", "insufficient_quota"})


@contextmanager
def as_model_errors(provider: str) -> Generator[None]:
    """Turn errors of an SDK in the block into a ModelError. Raises ModelUnreachable for a broken connection."""
    import httpx2

    try:
        yield
    except ModelError:
        raise
    except (httpx2.HTTPError, OSError, TimeoutError, json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ModelUnreachable(f"{provider} broke off: {_reason(error)}.") from None
    except Exception as error:
        if not type(error).__module__.startswith(("anthropic", "openai", "httpx")):
            raise
        raise classed(error, provider) from None


def classed(error: Any, provider: str) -> ModelError:
    """The ModelError that says what to do about an SDK's error."""
    status = getattr(error, "status_code", None)
    kind, message = _told(error)
    if status in (401, 403) or kind in ("authentication_error", "permission_error"):
        return ModelKeyRefused(
            f"{provider} refuses the key: {message}.", hint="Check the key and what it may use."
        )
    if status == 402 or kind in _UNPAID_TYPES:
        return ModelKeyRefused(f"{provider} does not work for this account: {message}.", hint="Check its plan and balance.")  # fmt: skip
    if kind in _OVERLOADED_TYPES or status in (429, 503, 529):
        return ModelOverloaded(f"{provider} is overloaded: {message}.", retry_after_s=_retry_after(error))
    if status == 413 or _TOO_LONG.search(message) or kind == "context_length_exceeded":
        return ContextTooLong(f"{provider}: {message}.")
    if status is None:
        return ModelUnreachable(f"{provider} did not answer: {message}.", hint="Check the network, and the address where ANTHROPIC_BASE_URL or OPENAI_BASE_URL is set.")  # fmt: skip
    if status >= 500 or status in (200, 408, 409):
        return ModelUnreachable(f"{provider} did not answer: {message}.", retry_after_s=_retry_after(error))
    if status == 404:
        return ModelRefusedRequest(f"{provider}: {message}.", hint="Check the model's name in ROOKERY_MODEL.")
    return ModelRefusedRequest(f"{provider} refuses the request: {message}.")


def _told(error: Any) -> tuple[str, str]:
    """The provider's own type (or code) and message."""
    body: Any = getattr(error, "body", None)
    inner: Any = cast(dict[str, Any], body).get("error", body) if isinstance(body, dict) else None
    if isinstance(inner, dict):
        told = cast(dict[str, Any], inner)
        kind = str(told.get("type") or "")
        if kind in ("", "invalid_request_error", "error") and told.get("code"):
            kind = str(told["code"])
        return kind, _clean(str(told.get("message") or "")) or type(error).__name__
    return "", _reason(error)


def _reason(error: BaseException) -> str:
    return _clean(str(error)) or type(error).__name__


def _clean(text: str) -> str:
    """One short line without anything that looks like a key."""
    text = re.sub(r"\b(sk|key|rk)-[A-Za-z0-9_\-*]{6,}", "[key]", " ".join(text.split()))
    return text[:300].rstrip(".")


def _retry_after(error: Any) -> float | None:
    headers: Any = getattr(getattr(error, "response", None), "headers", None) or {}
    for name, scale in (("retry-after-ms", 1e-3), ("retry-after", 1.0)):
        try:
            return max(0.0, float(headers[name]) * scale)
        except (KeyError, ValueError, TypeError):
            continue
    return _seconds_until(str(headers.get("retry-after") or ""))


def _seconds_until(date: str) -> float | None:
    try:
        return max(0.0, parsedate_to_datetime(date).timestamp() - time.time())
    except ValueError:
        return None
