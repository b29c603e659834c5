"""What an import did, and what it left out and why."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Any

_EXAMPLES = 3


@dataclass(slots=True)
class Report:
    """Counts of an import.

    skipped: what was not stored, by reason. oddities: what was stored although it is not as it should be, by name.
    Each with a few examples. unlisted: messages in folders of no listed channel, by folder, not stored.
    no_url: the workspace's address is unknown, so that links lead to slack.com.
    """

    path: str
    dry_run: bool = False
    channels: int = 0
    users: int = 0
    days: int = 0
    days_known: int = 0
    messages: int = 0
    added: int = 0
    changed: int = 0
    kept_out: int = 0
    deleted: int = 0
    reactions: int = 0
    files: int = 0
    embedded: int = 0
    seconds: float = 0.0
    seconds_searchable: float = 0.0
    skipped: Counter[str] = field(default_factory=Counter[str])
    oddities: Counter[str] = field(default_factory=Counter[str])
    unlisted: Counter[str] = field(default_factory=Counter[str])
    no_url: bool = False
    examples: dict[str, list[str]] = field(default_factory=lambda: defaultdict[str, list[str]](list))

    def skip(self, reason: str, what: str, count: int = 1) -> None:
        """Something was left out."""
        self.skipped[reason] += count
        self._example(reason, what)

    def note(self, oddity: str, what: str, count: int = 1) -> None:
        """Something was odd, and stored nevertheless."""
        self.oddities[oddity] += count
        self._example(oddity, what)

    def _example(self, name: str, what: str) -> None:
        if len(self.examples[name]) < _EXAMPLES and what not in self.examples[name]:
            self.examples[name].append(what)

    def absorb(self, part: Report) -> None:
        """Add what was counted for a part of the import."""
        for name in ("messages", "deleted", "reactions", "files"):
            setattr(self, name, getattr(self, name) + getattr(part, name))
        self.skipped += part.skipped
        self.oddities += part.oddities
        for name, examples in part.examples.items():
            for example in examples:
                self._example(name, example)

    @property
    def unchanged(self) -> int:
        """Messages that were read and already stored just so."""
        return max(0, self.messages - self.added - self.changed - self.kept_out)

    def as_json(self) -> dict[str, Any]:
        """For --json."""
        counts = {
            name: getattr(self, name)
            for name in (
                "path", "dry_run", "channels", "users", "days", "days_known", "messages", "added", "changed",
                "unchanged", "deleted", "reactions", "files", "embedded",
            )
        }  # fmt: skip
        return {
            **counts,
            "seconds": round(self.seconds, 3),
            "seconds_until_searchable_both_ways": round(self.seconds_searchable, 3),
            "warnings": self.warnings(),
            "skipped": self._explained(self.skipped),
            "oddities": self._explained(self.oddities),
        }

    def _explained(self, counted: Counter[str]) -> list[dict[str, Any]]:
        return [
            {"reason": reason, "count": count, "examples": self.examples[reason]}
            for reason, count in counted.most_common()
        ]

    def warnings(self) -> list[str]:
        """What the operator should look into, in full sentences."""
        warnings: list[str] = []
        if messages := self.unlisted.total():
            folders = [folder for folder, count in self.unlisted.most_common(_EXAMPLES) if count]
            warnings.append(
                f"{messages} messages in {len(+self.unlisted)} folders were left out because no list names their "
                f"channel (such as {', '.join(folders)})."
            )
        if self.no_url:
            warnings.append(
                "The export does not name the workspace's address, so links lead to https://slack.com/archives/…, "
                "which Slack may not open. Import it again with --url https://YOUR-WORKSPACE.slack.com to mend them."
            )
        return warnings

    def as_text(self) -> str:
        """For people."""
        verb = "would import" if self.dry_run else "imported"
        lines = [
            f"{verb} {self.path}",
            f"  {self.channels} channels, {self.users} people, {self.days} days"
            + (f" ({self.days_known} of them known already)" if self.days_known else ""),
            f"  {self.messages} messages read: {self.added} new, {self.changed} changed, {self.unchanged} as stored"
            if not self.dry_run
            else f"  {self.messages} messages read",
            f"  {self.reactions} reactions, {self.files} files, {self.deleted} deleted messages",
            (
                f"  {self.seconds:.1f} s; {self.embedded} vectors made, searchable both ways after"
                f" {self.seconds_searchable:.1f} s"
            ),
        ]
        for title, counted in (("skipped", self.skipped), ("odd, but stored", self.oddities)):
            if counted:
                lines.append(f"  {title}:")
            for reason, count in counted.most_common():
                lines.append(f"    {count:6} {reason} (such as {', '.join(self.examples[reason])})")
        lines += [f"  warning: {warning}" for warning in self.warnings()]
        return "\n".join(lines)
