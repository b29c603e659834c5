"""Live events against an emulated Slack on the wire: heard once, applied once, whole."""

from __future__ import annotations

import argparse
import asyncio
import json
import random
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio

from emulators.embedding_server import EmbeddingServer
from emulators.slack import SlackEmulator
from rookery_core.embedders.remote import RemoteEmbedder
from rookery_core.errors import ConfigurationError, InvalidInput, NotFound
from rookery_core.identity import Caller
from rookery_core.queue import Queue
from rookery_core.settings import CoreSettings
from rookery_ingest.slack import events as event_readers
from rookery_ingest.slack.applying import Applier
from rookery_ingest.slack.backfill import Backfiller, gaps
from rookery_ingest.slack.embedding import embed_backlog
from rookery_ingest.slack.listening import Listener, subscribe
from rookery_ingest.slack.live import LiveKeeper, joined_channels, pending_events
from rookery_ingest.slack.rate_limit import SharedRateLimit
from rookery_ingest.slack.replaying import replay
from rookery_ingest.slack.settings import SlackIngestSettings
from rookery_ingest.slack.sync import Synchroniser
from rookery_ingest.slack.working import IngestWorker
from rookery_slack.observations import Observations
from rookery_slack.store import sync_state
from rookery_slackapi.settings import SlackApiSettings
from rookery_slackapi.timestamps import parse_ts
from rookery_slackapi.web import SlackApi, Sleep, web_client
from slack_tables import digest_of_tables

if TYPE_CHECKING:
    from slack_sdk.web.async_client import AsyncWebClient

    from rookery_core.database import Database

CALLER = Caller(kind="agent")
Sleeps = list[float]


@pytest_asyncio.fixture
async def slack() -> AsyncIterator[SlackEmulator]:
    async with SlackEmulator() as emulator:
        yield emulator


@pytest.fixture
def live_settings(settings: CoreSettings, slack: SlackEmulator) -> SlackIngestSettings:
    return SlackIngestSettings.model_validate(
        {
            "database_url": settings.database_url,
            "data_dir": settings.data_dir,
            "embedder": "none",
            "slack_app_token": slack.state.app.app_token,
            "slack_bot_token": slack.state.app.bot_token,
            "slack_api_url": slack.api_url,
            "backfill_days": 3650,
        }
    )


@pytest.fixture
def api(slack: SlackEmulator, ingest: Database) -> SlackApi:
    """The Web API; waits are skipped, since the emulator's limits are off unless a test plans them."""

    async def at_once(_seconds: float) -> None:
        return None

    return make_api(slack, ingest, at_once)


def sdk_client(slack: SlackEmulator, token: str | None = None) -> AsyncWebClient:
    settings = SlackApiSettings.model_validate({"slack_api_url": slack.api_url})
    return web_client(token or slack.state.app.bot_token, settings)


def make_api(slack: SlackEmulator, ingest: Database, sleep: Sleep, token: str | None = None) -> SlackApi:
    limit = SharedRateLimit(ingest, CALLER, sleep=sleep)
    return SlackApi(sdk_client(slack, token), patience_s=600, max_attempts=6, rate_limit=limit, sleep=sleep)


def furnish(slack: SlackEmulator) -> tuple[str, str, str]:
    """Two people and a channel."""
    ada, bob = slack.state.add_user("ada").id, slack.state.add_user("bob").id
    return ada, bob, slack.state.add_channel("general", [ada, bob]).id


def live_a_little(slack: SlackEmulator, ada: str, bob: str, channel: str) -> None:
    """What people do in a morning."""
    people = slack.people
    root = people.say(ada, channel, "Has the deploy failed?")
    reply = people.say(bob, channel, "It has", thread_ts=root)
    people.say(bob, channel, "for everybody", thread_ts=root, broadcast=True)
    people.edit(channel, reply, "It has, twice")
    people.react(ada, channel, reply, "eyes")
    people.react(bob, channel, root, "tada")
    people.unreact(bob, channel, root, "tada")
    gone = people.say(ada, channel, "the password is hunter2")
    people.edit(channel, gone, "the password is hunter3")
    people.delete(channel, gone)
    people.say(ada, channel, "log attached", files=[people.file(ada, "deploy.log", b"boom", "text/plain")])
    people.mention(ada, channel, "what now?")
    new = slack.administration.hire("cleo").id
    slack.administration.join(new, channel)
    slack.administration.leave(bob, channel)
    slack.administration.rename(channel, "town-square")
    slack.administration.change_user(ada, real_name="Ada L.")


async def acknowledged(slack: SlackEmulator) -> None:
    """Until the app has taken everything."""
    await asyncio.gather(
        *(asyncio.wait_for(asyncio.shield(each.acked), 10) for each in slack.sockets.delivered)
    )


async def test_heard_by_two_listeners_and_applied_by_a_worker(
    slack: SlackEmulator, ingest: Database, live_settings: SlackIngestSettings, owner_connection: Any
) -> None:
    ada, bob, channel = furnish(slack)
    queue = Queue(ingest)
    await subscribe(queue)
    client = sdk_client(slack)
    listeners = [
        Listener(ingest, queue, CALLER, slack.state.app.app_token, client, ping_interval_s=1)
        for _ in range(2)
    ]
    worker = IngestWorker(ingest, queue, live_settings, None)
    async with worker.events():
        for listener in listeners:
            await listener.start()
        live_a_little(slack, ada, bob, channel)
        slack.sockets.duplicate(slack.sockets.delivered[0])
        slack.people.tell(ada, "psst")
        await acknowledged(slack)
        while await pending_events(queue):
            await asyncio.sleep(0)
    assert [await listener.beat([channel]) for listener in listeners] == [True, True]
    assert [await listener.beat([channel]) for listener in listeners] == [False, False]
    for listener in listeners:
        await listener.close()
    assert sum(listener.published for listener in listeners) == len(slack.sockets.delivered) - 1
    found = await digest_of_tables(owner_connection)
    rows = {json.loads(row)["ts"]: json.loads(row) for row in found["messages"]}
    texts = sorted(str(row["text"]) for row in rows.values())
    assert "It has, twice" in texts and "None" in texts and len(texts) == 6
    everything = json.dumps(found) + json.dumps(
        [
            row["payload"]
            for row in await owner_connection.fetch("select payload::text as payload from slack.raw_events")
        ]
    )
    assert "hunter" not in everything and "psst" not in everything
    assert [json.loads(row)["emoji"] for row in found["reactions"] if json.loads(row)["present"]] == ["eyes"]
    assert "town-square" in found["channels"][0]
    assert len(found["message_history"]) == 1 and "It has" in found["message_history"][0]
    members = {json.loads(row)["member"]: json.loads(row)["present"] for row in found["memberships"]}
    assert list(members.values()).count(True) == 1 and members[bob] is False
    covered = await owner_connection.fetchval(
        "select count(*) from slack.coverage where channel = $1", channel
    )
    assert covered == 1


@pytest.mark.parametrize("seed", [1, 2])
async def test_any_order_of_events_gives_the_same_tables(
    slack: SlackEmulator, ingest: Database, owner_connection: Any, seed: int
) -> None:
    ada, bob, channel = furnish(slack)
    for _ in range(4):
        live_a_little(slack, ada, bob, channel)
        slack.administration.join(bob, channel)
    payloads = [envelope.payload for envelope in slack.sockets.delivered]
    assert len(payloads) > 50
    dice = random.Random(seed)
    mixed = payloads + dice.sample(payloads, 20)
    dice.shuffle(mixed)
    for team, stream, size in (("default", payloads, 1), ("mixed", mixed, 13), ("at once", mixed[::-1], 500)):
        applier = Applier(ingest, Caller(team=team, kind="agent"))
        for start in range(0, len(stream), size):
            assert (await applier.apply(stream[start : start + size])).failed == 0
    expected = await digest_of_tables(owner_connection)
    assert await digest_of_tables(owner_connection, "mixed") == expected
    assert await digest_of_tables(owner_connection, "at once") == expected


async def test_a_poisonous_event_holds_up_nobody(ingest: Database, owner_connection: Any) -> None:
    good = {
        "event": {"type": "message", "channel": "C1", "ts": "1700000000.000100", "user": "U1", "text": "good"}
    }
    odd = {
        "event": {
            "type": "message",
            "channel": "C1",
            "ts": "1700000001.000100",
            "reactions": 5,
            "blocks": "no",
        }
    }
    huge = {"event": {"type": "reaction_added", "user": "U1", "reaction": "x" * 9000, "event_ts": "1700000003.000100",
                      "item": {"type": "message", "channel": "C1", "ts": "1700000000.000100"}}}  # fmt: skip
    unknown = {"event": {"type": "moon_landed", "event_ts": "1700000004.000100"}}
    applied = await Applier(ingest, CALLER).apply([good, odd, huge, unknown, {}])
    assert applied.events == 5 and applied.not_understood == 2
    texts = await owner_connection.fetch("select text from slack.messages order by ts")
    assert texts[0]["text"] == "good"
    outcomes = await owner_connection.fetch(
        "select outcome, count(*) as n from slack.raw_events group by 1 order by 1"
    )
    assert {row["outcome"] for row in outcomes} >= {"applied", "not_understood"}


async def test_what_was_not_understood_is_applied_by_a_later_program(
    ingest: Database, owner_connection: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = {
        "type": "moon_landed",
        "event_ts": "1700000004.000100",
        "channel": "C1",
        "ts": "1700000004.000100",
        "text": "x",
    }
    await Applier(ingest, CALLER).apply([{"type": "event_callback", "event": event}])
    assert (await replay(ingest, CALLER)).left == 1

    def read(found: Any, at: datetime) -> Observations | None:
        return event_readers.event_facts({**found, "type": "message", "user": "U1"}, at)

    monkeypatch.setitem(event_readers._READERS, "moon_landed", read)  # pyright: ignore[reportPrivateUsage]
    assert (await replay(ingest, CALLER)).applied == 1
    assert await owner_connection.fetchval("select count(*) from slack.messages") == 1
    assert (await replay(ingest, CALLER)).applied == 0


async def test_direct_messages_are_replayed_only_where_they_are_kept(
    ingest: Database, owner_connection: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = {"type": "moon_landed", "channel": "D1", "ts": "1700000004.000100", "text": "between us"}
    await Applier(ingest, CALLER, keep_direct=True).apply([{"type": "event_callback", "event": event}])

    def read(found: Any, at: datetime) -> Observations | None:
        return event_readers.event_facts({**found, "type": "message", "user": "U1"}, at)

    monkeypatch.setitem(event_readers._READERS, "moon_landed", read)  # pyright: ignore[reportPrivateUsage]
    await replay(ingest, CALLER, keep_direct=False)
    assert await owner_connection.fetchval("select count(*) from slack.messages") == 0
    assert (await replay(ingest, CALLER, keep_direct=True)).applied == 1


async def test_history_is_read_within_the_limits(
    slack: SlackEmulator, ingest: Database, owner_connection: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada, bob, channel = furnish(slack)
    live_a_little(slack, ada, bob, channel)
    for n in range(60):
        slack.people.say(ada, channel, f"line {n}")
    slack.faults.rate_limit_every("conversations.history", 2)
    waits: Sleeps = []

    async def note(seconds: float) -> None:
        waits.append(seconds)

    monkeypatch.setattr("rookery_ingest.slack.backfill.PAGE", 20)
    api = make_api(slack, ingest, note)
    await bookkeeping_cover(ingest, channel)
    filled = await Backfiller(ingest, CALLER, api, reach=timedelta(days=3650)).run([channel, "CNOWHERE"])
    assert filled.channels == 1 and len(filled.left_out) == 1
    texts = {row["text"] for row in await owner_connection.fetch("select text from slack.messages")}
    assert {"line 0", "line 59", "It has, twice", "log attached"} <= texts
    assert max(waits) >= 1
    assert len(slack.journal.of("conversations.replies")) >= 1
    stretches = await owner_connection.fetch(
        "select from_ts, to_ts from slack.coverage where channel = $1", channel
    )
    assert len(stretches) == 1
    again = len(slack.journal.of("conversations.history"))
    await Backfiller(ingest, CALLER, api, reach=timedelta(days=3650)).run([channel])
    assert len(slack.journal.of("conversations.history")) <= again + 2


async def test_what_was_missed_waits_for_what_is_live_after_each_page(
    slack: SlackEmulator, ingest: Database, api: SlackApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada, _, channel = furnish(slack)
    for n in range(60):
        slack.people.say(ada, channel, f"line {n}")
    monkeypatch.setattr("rookery_ingest.slack.backfill.PAGE", 20)
    first, live, pages_at_once = asyncio.Event(), asyncio.Event(), list[int]()

    def pages() -> int:
        return len(slack.journal.of("conversations.history"))

    async def after_live() -> None:
        pages_at_once.append(pages())
        first.set()
        await live.wait()

    filler = Backfiller(ingest, CALLER, api, reach=timedelta(days=3650), after_live=after_live)
    filling = asyncio.create_task(filler.run([channel]))
    async with asyncio.timeout(10):
        await first.wait()
    assert pages_at_once == [1] and pages() == 1
    live.set()
    await filling
    assert pages_at_once == list(range(1, pages() + 1)) and pages() > 2


async def test_vectors_are_made_anew_for_another_model_and_for_other_words(
    slack: SlackEmulator, ingest: Database, api: SlackApi, owner_connection: Any
) -> None:
    ada, _, channel = furnish(slack)
    edited, *_ = [slack.people.say(ada, channel, f"line {n}") for n in range(3)]
    filler = Backfiller(ingest, CALLER, api, reach=timedelta(days=3650))
    await filler.run([channel])
    server = EmbeddingServer()

    async def models_after(model: str) -> list[str | None]:
        embedder = RemoteEmbedder(model=model, api_key=None, base_url=server.url)
        assert sum([made async for made in embed_backlog(ingest, CALLER, embedder)]) > 0
        await embedder.close()
        return await models()

    async def models() -> list[str | None]:
        rows = await owner_connection.fetch("select model from slack.message_index order by ts")
        return [row["model"] for row in rows]

    try:
        assert await models_after("first") == ["first"] * 3
        assert await models_after("second") == ["second"] * 3
        slack.people.edit(channel, edited, "other words")
        await owner_connection.execute("delete from slack.coverage")
        await filler.run([channel])
        assert await models() == [None, "second", "second"]
        assert await models_after("second") == ["second"] * 3
        assert server.requests[-1] == ["other words"]
    finally:
        server.close()


async def bookkeeping_cover(ingest: Database, channel: str) -> None:
    """Something was known of the channel, long before."""
    start, end = parse_ts("1750000000.000000"), parse_ts("1750000001.000000")
    assert start is not None and end is not None
    async with ingest.transaction(CALLER) as connection:
        await sync_state.cover(connection, CALLER, {channel: (start, end)})


async def test_synchronising(
    slack: SlackEmulator, ingest: Database, api: SlackApi, owner_connection: Any
) -> None:
    ada, bob, channel = furnish(slack)
    secret = slack.state.add_channel("secret", [bob], kind="private").id
    slack.state.add_user("guest", membership="single_channel_guest")
    slack.state.add_user("otto", membership="stranger")
    slack.state.add_group("backend", [ada, bob])
    synced = await Synchroniser(ingest, CALLER, api).run()
    assert synced is not None and synced.users == len(slack.state.users) and synced.channels == 2
    found = await digest_of_tables(owner_connection)
    kinds = {json.loads(row)["id"]: json.loads(row)["kind"] for row in found["channels"]}
    assert kinds == {channel: "public", secret: "private"}
    people = {json.loads(row)["name"]: json.loads(row) for row in found["users"]}
    assert people["guest"]["is_guest"] and people["otto"]["is_stranger"] and not people["ada"]["is_stranger"]
    assert "backend" in found["user_groups"][0]
    assert await owner_connection.fetchval("select url from slack.workspaces") == "https://rookery.slack.com"
    slack.administration.make_private(channel)
    slack.state.channels[channel].members.remove(ada)
    await Synchroniser(ingest, CALLER, api).run()
    found = await digest_of_tables(owner_connection)
    kinds = {json.loads(row)["id"]: json.loads(row)["kind"] for row in found["channels"]}
    assert kinds[channel] == "private"
    assert ada not in {json.loads(row)["member"] for row in found["memberships"] if channel in row}


async def test_refusals_say_what_to_do(slack: SlackEmulator, ingest: Database) -> None:
    wrong = make_api(slack, ingest, asyncio.sleep, token="xoxb-wrong")
    with pytest.raises(ConfigurationError, match="refuses the token"):
        await wrong("conversations.list")
    slack.state.app.scopes = frozenset()
    poor = make_api(slack, ingest, asyncio.sleep)
    with pytest.raises(ConfigurationError, match="lacks the scope"):
        await poor("users.list")


async def test_a_listener_keeps_its_coverage_and_fills_its_gaps(
    slack: SlackEmulator,
    ingest: Database,
    api: SlackApi,
    live_settings: SlackIngestSettings,
    owner_connection: Any,
) -> None:
    ada, _, channel = furnish(slack)
    slack.people.say(ada, channel, "before we listened")
    slack.sockets.waiting.clear()
    queue = Queue(ingest)
    await subscribe(queue)
    client = sdk_client(slack)
    listener = Listener(ingest, queue, CALLER, slack.state.app.app_token, client, ping_interval_s=1)
    await listener.start()
    keeper = LiveKeeper(ingest, queue, api, listener, live_settings)
    await keeper.turn()
    await keeper.wait_filled()
    await listener.close()
    assert await joined_channels(api, direct=False) == [channel]
    assert await owner_connection.fetchval("select text from slack.messages") == "before we listened"
    stretches = await owner_connection.fetch("select from_ts, to_ts from slack.coverage")
    assert len(stretches) == 1 and stretches[0]["to_ts"] > datetime.now(UTC) - timedelta(minutes=5)


async def test_an_address_that_did_not_work_is_not_tried_again(
    slack: SlackEmulator, ingest: Database
) -> None:
    """Slack gives each out for one connection; its client would try the same one for ever."""
    client = sdk_client(slack)
    listener = Listener(ingest, Queue(ingest), CALLER, slack.state.app.app_token, client, ping_interval_s=0.1)
    slack.sockets.refusals = 1
    await asyncio.wait_for(listener.start(), 20)
    assert await listener.is_connected()
    await listener.close()


@pytest.mark.parametrize(
    ("stretches", "expected"),
    [
        ([], [(0, 100)]),
        ([(-10, 20)], [(20, 100)]),
        ([(10, 20), (40, 100)], [(0, 10), (20, 40)]),
        ([(-90, -50), (40, 60)], [(-50, 40), (60, 100)]),
        ([(0, 100)], []),
    ],
)
def test_gaps(stretches: list[tuple[int, int]], expected: list[tuple[int, int]]) -> None:
    zero = datetime(2026, 1, 1, tzinfo=UTC)

    def moments(pairs: list[tuple[int, int]]) -> list[tuple[datetime, datetime]]:
        return [(zero + timedelta(seconds=a), zero + timedelta(seconds=b)) for a, b in pairs]

    now = zero + timedelta(seconds=100)
    assert gaps(moments(stretches), now, timedelta(seconds=100)) == moments(expected)


async def test_stretches_that_several_join_at_once_are_one(ingest: Database, owner_connection: Any) -> None:
    zero = datetime(2026, 1, 1, tzinfo=UTC)

    async def cover(channels: list[str], start: int, end: int) -> None:
        stretch = zero + timedelta(seconds=start), zero + timedelta(seconds=end)
        async with ingest.transaction(CALLER) as connection:
            await sync_state.cover(connection, CALLER, dict.fromkeys(channels, stretch))

    channels = ["C1", "C2", "C3"]
    await cover(channels, 0, 10)
    await asyncio.gather(*(cover(channels[:: (-1) ** n], 0, 20 + n % 3) for n in range(12)))
    await cover(["C1"], 30, 40)
    await cover(["C1"], 22, 30)
    rows = await owner_connection.fetch("select channel, from_ts, to_ts from slack.coverage order by 1")
    assert [(row["channel"], row["from_ts"] - zero, row["to_ts"] - zero) for row in rows] == [
        (channel, timedelta(0), timedelta(seconds=40 if channel == "C1" else 22)) for channel in channels
    ]


async def test_erasing_a_person_and_a_channel(ingest: Database, owner_connection: Any) -> None:
    from rookery_slack.store import erasure

    def event(channel: str, ts: str, user: str, text: str) -> dict[str, Any]:
        return {"event": {"type": "message", "channel": channel, "ts": ts, "user": user, "text": text}}

    stream = [
        event("C1", "1700000000.000100", "U1", "mine"),
        event("C1", "1700000001.000100", "U2", "theirs"),
        event("C2", "1700000002.000100", "U2", "elsewhere"),
    ]
    applier = Applier(ingest, CALLER)
    await applier.apply(stream)
    async with ingest.transaction(CALLER) as connection:
        assert await erasure.erase_user(connection, CALLER, "U1") == 1
        assert await erasure.erase_channel(connection, CALLER, "C2") == 1
    await applier.apply(stream)
    rows = await owner_connection.fetch("select text from slack.messages")
    assert [row["text"] for row in rows] == ["theirs"]
    kept = json.dumps(
        [row["p"] for row in await owner_connection.fetch("select payload::text as p from slack.raw_events")]
    )
    assert kept.count("theirs") == 2


async def test_what_is_never_stored_and_how_long_the_rest_is_kept(
    live_settings: SlackIngestSettings, ingest: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    from rookery_ingest.slack.operating import discard_command, retention_command

    async def told(command: Any, **options: Any) -> str:
        asked = {"add": None, "note": None, "remove": None, "channel": None, "days": None, "forever": False}
        assert await command(argparse.Namespace(**{**asked, **options}), live_settings) == 0
        return capsys.readouterr().out

    assert "no rules" in await told(discard_command)
    assert "(passwords)" in await told(
        discard_command, add='$.text like_regex "hunter[0-9]"', note="passwords"
    )
    applied = await Applier(ingest, CALLER).apply([
        {"event": {"type": "message", "channel": "C1", "ts": f"170000000{n}.000100", "user": "U1", "text": text}}
        for n, text in enumerate(["my hunter2", "hello"])
    ])  # fmt: skip
    assert (applied.merged.added, applied.merged.discarded) == (1, 1)
    with pytest.raises(InvalidInput, match="no jsonpath"):
        await told(discard_command, add="$.text like")
    with pytest.raises(NotFound, match="no rule 77"):
        await told(discard_command, remove=77)
    assert "no rules" in await told(discard_command, remove=1)
    assert await told(retention_command) == "every channel: for ever\n"
    assert "1 messages forgotten\nevery other channel: 30 days" in await told(retention_command, days=30)
    with pytest.raises(NotFound, match="no channel is called"):
        await told(retention_command, channel="nowhere", days=30)


async def test_a_channel_whose_id_changes_takes_everything_along(
    ingest: Database, owner_connection: Any
) -> None:
    from rookery_slack.store import erasure

    def event(channel: str, ts: str, text: str, **more: Any) -> dict[str, Any]:
        return {
            "event": {"type": "message", "channel": channel, "ts": ts, "user": "U1", "text": text, **more}
        }

    def move(old: str, new: str, ts: str) -> dict[str, Any]:
        return {
            "event": {
                "type": "channel_id_changed",
                "old_channel_id": old,
                "new_channel_id": new,
                "event_ts": ts,
            }
        }

    applier = Applier(ingest, CALLER)
    secret = event("C1", "1700000001.000100", "the password is hunter2")
    await applier.apply(
        [event("C1", "1700000000.000100", "before"), secret, event("C7", "1700000001.000100", "x")]
    )
    async with ingest.transaction(CALLER) as connection:
        await erasure.erase_channel(connection, CALLER, "C7")
    await applier.apply([move("C2", "C3", "1700000003.000100"), move("C7", "C8", "1700000003.000100")])
    await applier.apply([move("C1", "C2", "1700000002.000100"), event("C8", "1700000004.000100", "y")])
    await applier.apply([
        event("C3", "1700000005.000100", "after"),
        event("C3", "1700000006.000100", "", subtype="message_deleted", deleted_ts="1700000001.000100"),
        secret,
    ])  # fmt: skip
    rows = await owner_connection.fetch("select channel, text from slack.messages order by ts")
    assert [tuple(row) for row in rows] == [("C3", "before"), ("C3", None), ("C3", "after")]
    assert await owner_connection.fetchval("select array_agg(distinct channel) from slack.message_index") == [
        "C3"
    ]
    assert await owner_connection.fetchval("select array_agg(id) from slack.channels") == ["C3"]
    kept = await owner_connection.fetchval("select string_agg(payload::text, ' ') from slack.raw_events")
    assert "before" in kept and "hunter2" not in kept
