"""Whatever happens to a stream of events on its way, the tables end up the same, byte for byte.

By hand: ROOKERY_TEST_SLACK_STREAM=/path/to/clojurians-rtm names a folder of recorded events (*.jsonl, one a line).
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from event_streams import arranged, recorded
from rookery_core.identity import Caller
from rookery_ingest.slack.applying import Applier
from slack_tables import FINAL_TABLES, digest_of_tables

if TYPE_CHECKING:
    import random

    from rookery_core.database import Database

STREAM = os.environ.get("ROOKERY_TEST_SLACK_STREAM")
SECONDS = 1_700_000_000
_teams = count()


class Workspace:
    """A small workspace in which things happen by lot; each is an event as Slack would send it."""

    def __init__(self, dice: random.Random) -> None:
        self.dice = dice
        self.now = SECONDS
        self.channels = ["C1", "C2", "G3"]
        self.said: list[dict[str, Any]] = []
        self.events: list[dict[str, Any]] = []

    def tick(self) -> str:
        """The next moment: seconds apart, sometimes most of a day."""
        self.now += self.dice.choice([1, 1, 5, 40_000])
        return f"{self.now}.000100"

    def channel(self) -> str:
        return self.dice.choice(self.channels)

    def user(self) -> str:
        return self.dice.choice(["U1", "U2", "U3"])

    def emit(self, kind: str, **fields: Any) -> None:
        event = {"type": kind, "event_ts": self.tick(), **fields}
        self.events.append({"type": "event_callback", "event_id": f"Ev{len(self.events)}", "event": event})

    def say(self) -> None:
        ts = self.tick()
        message: dict[str, Any] = {
            "type": "message",
            "channel": self.channel(),
            "ts": ts,
            "user": self.user(),
        }
        message["text"] = f"words {self.dice.randrange(5)} <https://example.org>"
        roots = [each for each in self.said if each["channel"] == message["channel"]]
        if roots and self.dice.random() < 0.4:
            root = self.dice.choice(roots)
            message["thread_ts"] = root.get("thread_ts", root["ts"])
            if self.dice.random() < 0.3:
                message["subtype"] = "thread_broadcast"
        if self.dice.random() < 0.3:
            message["files"] = [{"id": f"F{self.dice.randrange(3)}", "name": "plan.txt"}]
        self.said.append(message)
        self._message(message)

    def _message(self, message: dict[str, Any]) -> None:
        payload = {**message, "event_ts": message["ts"], "channel_type": "channel"}
        self.events.append({"type": "event_callback", "event_id": f"Ev{len(self.events)}", "event": payload})

    def about_a_message(self) -> None:
        """An edit, a deletion, a reaction given or taken back, a reply announced."""
        if not self.said:
            return self.say()
        message = self.dice.choice(self.said)
        channel, ts = message["channel"], message["ts"]
        match self.dice.randrange(6):
            case 0 | 1:
                previous = {**message}
                message["text"] = f"edited {self.dice.randrange(5)}"
                message["edited"] = {"user": message["user"], "ts": f"{self.now + 1}.000000"}
                self.emit("message", subtype="message_changed", channel=channel, channel_type="channel",
                          message={**message}, previous_message=previous)  # fmt: skip
            case 2:
                self.emit("message", subtype="message_deleted", channel=channel, channel_type="channel",
                          deleted_ts=ts, previous_message={**message})  # fmt: skip
            case 3:
                self.emit("message", subtype="message_replied", channel=channel, message={**message})
            case _:
                kind = self.dice.choice(["reaction_added", "reaction_added", "reaction_removed"])
                item = {"type": "message", "channel": channel, "ts": ts}
                self.emit(kind, user=self.user(), reaction=self.dice.choice(["tada", "eyes"]), item=item)
        return None

    def about_a_channel(self) -> None:
        """A name, a kind, a topic, members, another id."""
        channel = self.channel()
        match self.dice.randrange(7):
            case 0:
                self.emit("channel_rename", channel={"id": channel, "name": f"name-{self.dice.randrange(4)}"})
            case 1:
                self.emit(
                    self.dice.choice(["channel_archive", "channel_unarchive"]), channel=channel, user="U1"
                )
            case 2 | 3:
                kind = self.dice.choice(["member_joined_channel", "member_left_channel"])
                self.emit(kind, channel=channel, user=self.user())
            case 4:
                kind = self.dice.choice(["channel_convert_to_private", "channel_convert_to_public"])
                ts = self.tick()
                self._message({"type": "message", "subtype": kind, "channel": channel, "ts": ts, "user": "U1",
                               "text": "converted"})  # fmt: skip
            case 5:
                ts, topic = self.tick(), f"topic {self.dice.randrange(3)}"
                self._message({"type": "message", "subtype": "channel_topic", "channel": channel, "ts": ts,
                               "user": "U1", "text": "set the topic", "topic": topic})  # fmt: skip
            case _:
                new = f"{channel}x"
                self.emit("channel_id_changed", old_channel_id=channel, new_channel_id=new)
                self.channels[self.channels.index(channel)] = new
                for message in self.said:
                    if message["channel"] == channel:
                        message["channel"] = new

    def about_people(self) -> None:
        """A name, a group, a file that goes."""
        match self.dice.randrange(3):
            case 0:
                self.emit("user_change", user={"id": self.user(), "team_id": "T1", "updated": self.now,
                                               "name": f"n{self.dice.randrange(3)}"})  # fmt: skip
            case 1:
                self.emit("subteam_updated", subteam={"id": "S1", "handle": f"g{self.dice.randrange(3)}",
                                                      "date_update": self.now, "users": [self.user()]})  # fmt: skip
            case _:
                self.emit("file_deleted", file_id=f"F{self.dice.randrange(3)}")


def lived(dice: random.Random, length: int) -> list[dict[str, Any]]:
    """What a workspace sends in a few days."""
    workspace = Workspace(dice)
    while len(workspace.events) < length:
        doing = dice.choices(
            [workspace.say, workspace.about_a_message, workspace.about_a_channel, workspace.about_people],
            weights=[5, 6, 2, 1],
        )[0]
        doing()
    return workspace.events


async def apply(database: Database, stream: Sequence[Any], batch: int) -> str:
    """Apply a stream for a team of its own; returns the team."""
    team = f"stream {next(_teams)}"
    applier = Applier(database, Caller(team=team, kind="agent"))
    for start in range(0, len(stream), batch):
        applied = await applier.apply(stream[start : start + batch])
        assert applied.failed == 0
    return team


async def check(
    database: Database, owner: Any, stream: Sequence[Any], seed: int, batches: dict[str, int]
) -> None:
    expected: dict[str, list[str]] | None = None
    for name, arrangement in arranged(stream, seed).items():
        team = await apply(database, arrangement, batches[name])
        found = await digest_of_tables(owner, team)
        expected = expected or found
        for table in FINAL_TABLES:
            assert found[table] == expected[table], (name, table)


@pytest.mark.slow
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(dice=st.randoms(use_true_random=False), length=st.integers(2, 60), seed=st.integers(0, 99))
async def test_any_stream_arrives_at_the_same_tables(
    ingest: Database, owner_connection: Any, dice: random.Random, length: int, seed: int
) -> None:
    batches = {"in order": 1, "shuffled": 500, "doubled": 7, "delayed": 3}
    await check(ingest, owner_connection, lived(dice, length), seed, batches)


@pytest.mark.skipif(not STREAM, reason="ROOKERY_TEST_SLACK_STREAM names no recorded events")
@pytest.mark.timeout(600)
async def test_a_recorded_stream_arrives_at_the_same_tables(ingest: Database, owner_connection: Any) -> None:
    stream = recorded(Path(STREAM or ""))
    assert len(stream) > 1000
    await check(
        ingest,
        owner_connection,
        stream,
        1,
        dict.fromkeys(("in order", "shuffled", "doubled", "delayed"), 250),
    )
