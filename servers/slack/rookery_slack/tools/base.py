"""What the tools share: the store, the settings, the clock."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from datetime import tzinfo

    from rookery_slack.settings import SlackSettings
    from rookery_slack.store.session import Session, Store

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """The time."""
    return datetime.now(UTC)


class SlackTools:
    """Base of the groups of tools."""

    def __init__(self, store: Store, settings: SlackSettings, clock: Clock = utc_now) -> None:
        self.store = store
        self.base = settings.slack_url
        self.now = clock

    async def freshness(
        self, session: Session, zone: tzinfo, channels: Sequence[str] | None
    ) -> dict[str, Any]:
        """`as_of` and `gaps` for an answer about these channels (None: all that are visible)."""
        found = (await session.rows("freshness", None if channels is None else list(channels)))[0]
        answer: dict[str, Any] = {}
        if found["as_of"] is not None:
            answer["as_of"] = found["as_of"].astimezone(zone).isoformat(timespec="seconds")
        if found["gaps"]:
            answer["gaps"] = found["gaps"]
        return answer
