"""What the tools share: the store, the settings, the clock."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from rookery_slack.plausible_times import Clock, utc_now
from rookery_slackapi.timestamps import local_iso

if TYPE_CHECKING:
    from datetime import tzinfo

    from rookery_slack.settings import SlackSettings
    from rookery_slack.store.session import Session, Store


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
            # nothing is known of the future, not even when a stored row says so
            answer["as_of"] = local_iso(min(found["as_of"], self.now()), zone)
        if found["gaps"]:
            answer["gaps"] = found["gaps"]
        return answer
