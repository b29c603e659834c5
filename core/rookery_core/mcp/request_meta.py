"""The `_meta` of a request: its trace and, for servers that check it, the signed asker."""

from __future__ import annotations

from typing import Any

from rookery_core.identity import Caller
from rookery_core.identity.asker import ASKER_META_KEY, sign
from rookery_core.telemetry import TRACE_META_KEY, TRACEPARENT, traceparent


def request_meta(trace: str, caller: Caller, *, key: str | None, audience: str | None) -> dict[str, Any]:
    """Build `_meta`. key: ROOKERY_CONTEXT_KEY. audience: the name under which the server checks askers."""
    meta: dict[str, Any] = {TRACE_META_KEY: trace}
    if parent := traceparent(trace):
        meta[TRACEPARENT] = parent
    if audience and key and caller.kind != "anonymous":
        meta[ASKER_META_KEY] = sign(caller, key, audience)
    return meta
