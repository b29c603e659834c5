"""Where things are in an export: its lists, its conversations and their days."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import PurePosixPath
from typing import Any, cast

from rookery_core.errors import InvalidInput
from rookery_core.foreign.files import NotOpened
from rookery_ingest.slack.cleaning import id_of, storable, text_of
from rookery_ingest.slack.export.archive import Archive
from rookery_ingest.slack.export.jsonarrays import Damaged, elements
from rookery_ingest.slack.export.report import Report
from rookery_slack.observations import ChannelKind
from rookery_slackapi.timestamps import LATEST, parse_ts

_DAY = re.compile(r"^\d{4}-\d{2}-\d{2}\.json$")
_LISTS: dict[str, ChannelKind] = {
    "channels.json": "public",
    "groups.json": "private",
    "dms.json": "im",
    "mpims.json": "mpim",
}
_OTHER_LISTS = frozenset(
    {
        "users.json", "org_users.json", "integration_logs.json", "canvases.json", "lists.json",
        "huddle_transcripts.json", "file_conversations.json", "workflows.json",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Conversation:
    """A channel as an export lists it."""

    raw: dict[str, Any]
    kind: ChannelKind

    @property
    def id(self) -> str:
        return storable(str(self.raw["id"]))


@dataclass(frozen=True, slots=True)
class Day:
    """A file of messages. name: its path in the archive."""

    name: str
    channel: str
    date: str


@dataclass(slots=True)
class Layout:
    """What an export holds. snapshot_at: a moment at which everything in it was so, the last one it speaks of."""

    users: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    conversations: list[Conversation] = field(default_factory=list[Conversation])
    days: list[Day] = field(default_factory=list[Day])
    workspace: str | None = None
    snapshot_at: datetime = datetime(1970, 1, 1, tzinfo=UTC)


def read_layout(archive: Archive, report: Report, latest: datetime = LATEST) -> Layout:
    """Find out what is where. latest: the last moment that a message may name.

    Raises InvalidInput when this is no export.
    """
    names = [name for name in archive.names() if not _is_litter(name)]
    root = _root(names)
    tops = {PurePosixPath(name).name: name for name in names if PurePosixPath(name).parent == root}
    layout = Layout()
    for file, kind in _LISTS.items():
        if file in tops:
            layout.conversations += _conversations(archive, tops[file], kind, report)
    if not layout.conversations and not any(file in tops for file in _LISTS):
        raise InvalidInput(
            "PATH: this is not a Slack export: it has no channels.json, groups.json, dms.json or mpims.json.",
            hint="Give the zip file as Slack delivered it, or the folder that holds channels.json.",
        )
    users_file = next((tops[file] for file in ("users.json", "org_users.json") if file in tops), None)
    if users_file is None:
        report.note("users.json is missing: people are shown by id", "users.json")
    else:
        layout.users = list(_objects(archive, users_file, report))
    for file, name in tops.items():
        if file not in _LISTS and file not in _OTHER_LISTS:
            report.skip("file that is no part of messages, channels or people", name)
    layout.workspace = _workspace(layout)
    layout.days = list(_days(names, root, layout.conversations, report))
    _count_unlisted(archive, names, root, layout, report)
    layout.snapshot_at = _last_moment(archive, layout, latest)
    return layout


def _is_litter(name: str) -> bool:
    path = PurePosixPath(name)
    return "__MACOSX" in path.parts or path.name in (".DS_Store", "Thumbs.db") or path.name.startswith("._")


def _root(names: list[str]) -> PurePosixPath:
    """The folder that holds the lists: zips are often packed with a folder around them."""
    found = [
        PurePosixPath(name).parent for name in names if PurePosixPath(name).name in {*_LISTS, "users.json"}
    ]
    return min(found, key=lambda path: (len(path.parts), str(path)), default=PurePosixPath("."))


def _objects(archive: Archive, name: str, report: Report) -> Iterator[dict[str, Any]]:
    try:
        for value in elements(archive.read(name)):
            if isinstance(value, dict) and id_of(cast("dict[str, Any]", value).get("id")):
                yield cast("dict[str, Any]", value)
            else:
                report.skip("entry without an id in a list", name)
    except (NotOpened, Damaged) as error:
        report.skip(f"list of the export: {error}", name)


def _conversations(archive: Archive, name: str, kind: ChannelKind, report: Report) -> Iterator[Conversation]:
    for raw in _objects(archive, name, report):
        yield Conversation(raw, kind)


def _workspace(layout: Layout) -> str | None:
    """The workspace's id: the team of most of its people."""
    teams = Counter(team for user in layout.users if (team := id_of(user.get("team_id"))))
    return teams.most_common(1)[0][0] if teams else None


def _days(
    names: list[str], root: PurePosixPath, conversations: list[Conversation], report: Report
) -> Iterator[Day]:
    folders = _folders(conversations)
    for name in sorted(names):
        path = PurePosixPath(name)
        if path.parent == root or not path.is_relative_to(root):
            continue
        folder = path.relative_to(root).parts[0]
        if _is_canvas(folder):
            report.skip("canvas or attachment, not messages", name)
        elif _comparable(folder) not in folders:
            report.skip("folder that no list of channels names", folder)
        elif path.parent != root / folder or not _is_day(path.name):
            report.skip("file that is not a day of messages", name)
        else:
            yield Day(name, folders[_comparable(folder)], path.stem)


def _count_unlisted(
    archive: Archive, names: list[str], root: PurePosixPath, layout: Layout, report: Report
) -> None:
    """Count the messages in folders of days that belong to no listed channel."""
    folders = _folders(layout.conversations)
    for name in names:
        path = PurePosixPath(name)
        if path.parent.parent != root or path.parent == root or not _is_day(path.name):
            continue
        folder = path.parent.name
        if _comparable(folder) not in folders and not _is_canvas(folder):
            report.unlisted[folder] += sum(1 for _ in _moments(archive, name))


def _is_canvas(folder: str) -> bool:
    return folder.startswith("FC:") or folder in ("attachments", "__uploads")


def _is_day(name: str) -> bool:
    try:
        return _DAY.match(name) is not None and bool(date.fromisoformat(name.removesuffix(".json")))
    except ValueError:
        return False


def _folders(conversations: list[Conversation]) -> dict[str, str]:
    """The channel of each folder: called by name, by id where there is no name, sometimes by a former name."""
    folders: dict[str, str] = {}
    for each in conversations:
        names = each.raw.get("previous_names")
        for former in cast("list[Any]", names) if isinstance(names, list) else ():
            if former_name := text_of(former):
                folders.setdefault(_comparable(former_name), each.id)
    for each in conversations:
        folders[_comparable(each.id)] = each.id
        if name := text_of(each.raw.get("name")):
            folders[_comparable(name)] = each.id
    return folders


def _comparable(name: str) -> str:
    """A name as it is compared: a Mac packs the letters of a name apart, Slack has half-width kana in some lists."""
    return unicodedata.normalize("NFKC", name)


def _last_moment(archive: Archive, layout: Layout, latest: datetime) -> datetime:
    """The greatest `ts` of the last day: the export was made then or later, so all it says was true then.

    Days and messages dated after `latest` do not count.
    """
    dates = {day.date for day in layout.days if day.date <= latest.date().isoformat()}
    for day_date in sorted(dates, reverse=True):
        moments = [m for day in layout.days if day.date == day_date for m in _moments(archive, day.name)]
        plausible = [moment for moment in moments if moment <= latest]
        if plausible:
            return max(plausible)
        if not moments:  # an empty or damaged day
            return datetime.fromisoformat(day_date).replace(tzinfo=UTC)
    return layout.snapshot_at


def _moments(archive: Archive, name: str) -> Iterator[datetime]:
    try:
        for value in elements(archive.read(name)):
            if isinstance(value, dict) and (moment := parse_ts(cast("dict[str, Any]", value).get("ts"))):
                yield moment
    except (NotOpened, Damaged):
        return  # reported when the day itself is read
