"""An export does not say at which address its workspace is; links to its own files and messages do."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

from rookery_slack.observations import Observations

_HOST = re.compile(r"^(https://[a-z0-9][a-z0-9-]*(?:\.enterprise)?\.slack(?:-gov)?\.com)/files/")
_PERMALINK = re.compile(
    r"(https://[a-z0-9][a-z0-9-]*(?:\.enterprise)?\.slack(?:-gov)?\.com)/archives/([A-Z0-9]{2,20})/p\d{16}"
)
_ELSEWHERE = frozenset({"https://files.slack.com", "https://app.slack.com", "https://api.slack.com"})


class UrlGuess:
    """Counts the addresses that files in messages, and links to messages of these channels, lead to."""

    def __init__(self, channels: Iterable[str] = ()) -> None:
        self._channels = frozenset(channels)
        self._seen: Counter[str] = Counter()

    def look_at(self, facts: Observations) -> None:
        """Take note of the links in these messages."""
        for message in facts.messages:
            for host, channel in _PERMALINK.findall(message.text):
                if channel in self._channels and host not in _ELSEWHERE:
                    self._seen[host] += 1
            for file in (message.content or {}).get("files", ()):
                found = _HOST.match(str(file.get("permalink") or ""))
                if found and found[1] not in _ELSEWHERE:
                    self._seen[found[1]] += 1

    def best(self) -> str | None:
        """The address seen most often, or None."""
        return min(self._seen, key=lambda url: (-self._seen[url], url), default=None)
