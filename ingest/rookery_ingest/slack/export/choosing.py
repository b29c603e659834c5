"""Which conversations and days of an export are imported, as the options say. What is left out is reported."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

from rookery_core.errors import NotFound
from rookery_ingest.slack.export.layout import Conversation, Day, Layout
from rookery_ingest.slack.export.report import Report


@dataclass(frozen=True, slots=True)
class Options:
    """What to import. channels: names or ids; since: days before it are left out; url: the workspace's address;
    direct: direct messages, too."""

    channels: Sequence[str] = ()
    since: date | None = None
    dry_run: bool = False
    workers: int = 2
    url: str | None = None
    direct: bool = False


def chosen(layout: Layout, options: Options, report: Report) -> Layout:
    """The part of an export that the options ask for. Raises NotFound for a channel that it does not have."""
    conversations = layout.conversations if options.direct else _without_direct(layout, report)
    if options.channels:
        conversations = _named(conversations, options.channels)
    return replace(layout, conversations=conversations, days=_days_of(layout, conversations, options, report))


def _without_direct(layout: Layout, report: Report) -> list[Conversation]:
    kept = [each for each in layout.conversations if each.kind not in ("im", "mpim")]
    if left_out := len(layout.conversations) - len(kept):
        report.skip("direct conversation (--dms imports them)", "dms.json, mpims.json", left_out)
    return kept


def _named(conversations: Sequence[Conversation], names: Sequence[str]) -> list[Conversation]:
    ids = {str(each.raw.get("name")): each.id for each in conversations}
    ids |= {each.id: each.id for each in conversations}
    wanted = [name.removeprefix("#") for name in names]
    if unknown := [name for name in wanted if name not in ids]:
        raise NotFound(
            f"--channels: the export has no channel {', '.join(unknown)}.",
            candidates=sorted(str(each.raw.get("name") or each.id) for each in conversations)[:10],
        )
    kept = {ids[name] for name in wanted}
    return [each for each in conversations if each.id in kept]


def _days_of(
    layout: Layout, conversations: Sequence[Conversation], options: Options, report: Report
) -> list[Day]:
    channels = {each.id for each in conversations}
    since = options.since.isoformat() if options.since else ""

    def fits(day: Day) -> bool:
        return day.channel in channels and day.date >= since

    left_out = [day for day in layout.days if not fits(day)]
    if left_out and (options.channels or since):
        report.skip("day left out by --channels or --since", left_out[0].name, len(left_out))
    return [day for day in layout.days if fits(day)]
