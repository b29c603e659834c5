"""How the Web API refuses."""

from __future__ import annotations

from typing import Any


class ApiError(Exception):
    """Answered as `{"ok": false, "error": code, ...}`."""

    def __init__(
        self, code: str, *, status: int = 200, headers: dict[str, str] | None = None, **extra: Any
    ) -> None:
        super().__init__(code)
        self.code = code
        self.status = status
        self.headers = headers or {}
        self.extra = extra

    def body(self) -> dict[str, Any]:
        return {"ok": False, "error": self.code, **self.extra}


def rate_limited(retry_after: int | str) -> ApiError:
    return ApiError("ratelimited", status=429, headers={"Retry-After": str(retry_after)})
