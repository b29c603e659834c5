"""What the ids in messages stand for, and the zone in which times are shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo

from rookery_slackapi.timestamps import local_iso


@dataclass(frozen=True, slots=True)
class Names:
    """Names by id, as far as the asker may know them. An id without a name is shown as it is."""

    users: Mapping[str, str] = field(default_factory=dict[str, str])
    channels: Mapping[str, str] = field(default_factory=dict[str, str])
    groups: Mapping[str, str] = field(default_factory=dict[str, str])
    zone: tzinfo = UTC

    def user(self, user_id: str, label: str | None = None) -> str:
        """`@Ada`, else the label that Slack put into the text, else the id."""
        return "@" + (self.users.get(user_id) or label or user_id).removeprefix("@")

    def channel(self, channel_id: str, label: str | None = None) -> str:
        """`#general`, else the label that the text has where its reader may see the channel, else the id."""
        return "#" + (self.channels.get(channel_id) or label or channel_id).removeprefix("#")

    def group(self, group_id: str, label: str | None = None) -> str:
        """`@backend`."""
        return "@" + (self.groups.get(group_id) or label or group_id).removeprefix("@")

    def time(self, moment: datetime) -> str:
        """ISO 8601 to the second, in the asker's zone, with its offset."""
        return local_iso(moment, self.zone)
