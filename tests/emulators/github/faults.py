"""Failures on order: the next requests that match fail the way GitHub does."""

from __future__ import annotations

import asyncio
import json
import re
import time
from dataclasses import dataclass, field
from typing import Literal

from starlette.requests import Request
from starlette.responses import Response

Kind = Literal["status", "primary", "secondary", "forbidden", "slow", "cut", "drop"]
MESSAGES = {
    401: "Bad credentials",
    403: "Resource not accessible by personal access token",
    404: "Not Found",
    410: "This issue was deleted",
    422: "Validation Failed",
    429: "Too many requests",
    500: "Server Error",
    502: "Server Error",
    503: "Service unavailable",
}


@dataclass(slots=True)
class Fault:
    """Fails requests whose method and path match, `times` times.

    status: answers that status. primary, secondary: the two rate limits (403; or 429 with `status`), with
    `retry_after_s`. forbidden: a missing permission. slow: answers after `release` is set. cut: ends in
    the middle of the body. drop: the request is executed and the connection ends without an answer.
    """

    kind: Kind = "status"
    status: int = 403
    path: str = ""
    method: str = "GET"
    times: int = 1
    retry_after_s: float = 30.0
    headers: dict[str, str] = field(default_factory=dict[str, str])
    release: asyncio.Event = field(default_factory=asyncio.Event)

    def matches(self, request: Request) -> bool:
        return (
            self.times > 0
            and request.method == self.method
            and re.search(self.path, request.url.path) is not None
        )


def refusal(fault: Fault) -> Response:
    """The answer of a fault that refuses."""
    headers = dict(fault.headers)
    if fault.kind == "primary":
        message = "API rate limit exceeded for user ID 1. If you reach out to GitHub Support for help, please include the request ID."
        headers |= {
            "x-ratelimit-remaining": "0",
            "x-ratelimit-limit": "5000",
            "x-ratelimit-reset": str(int(time.time() + fault.retry_after_s)),
        }
    elif fault.kind == "secondary":
        message = "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."
        headers.setdefault("retry-after", str(int(fault.retry_after_s)))
    else:
        message = MESSAGES.get(fault.status, "Error")
    body = {
        "message": message,
        "documentation_url": "https://docs.github.com/rest",
        "status": str(fault.status),
    }
    if fault.status == 422:
        body["errors"] = [{"resource": "Issue", "field": "title", "code": "missing_field"}]  # type: ignore[assignment]
    return Response(json.dumps(body), fault.status, headers, "application/json; charset=utf-8")
