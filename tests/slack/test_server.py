"""The server as a client sees it: its list, its answers, what it may not do unasked."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from fastmcp import Client

from emulators.slack import SlackEmulator
from rookery_core.database import Database
from rookery_core.errors import ConfigurationError, Conflict, InvalidInput, NotAllowed
from rookery_core.identity import Caller, acting_as
from rookery_slack.observations import MessageDeleted, Observations
from rookery_slack.server import build_server
from rookery_slack.settings import SlackSettings
from rookery_slack.store import sync_state
from rookery_slack.store.session import Store
from rookery_slack.tools.posts import PostingTools
from slack_calls import answer, by_name
from slack_facts import INGEST, at, channel, person, said, together

Fill = Callable[[Observations], Awaitable[None]]
ADA = Caller(user="UADA", kind="member")
MOST_TOKENS = 3_000


async def test_the_list_of_tools_is_small_and_writes_nothing(slack_settings: SlackSettings) -> None:
    async with Client(build_server(slack_settings).server) as client:
        listed = await client.list_tools()
    assert len(listed) == 9
    assert all(tool.annotations and tool.annotations.read_only_hint for tool in listed)
    assert all(tool.output_schema and tool.description for tool in listed)
    whole = json.dumps(
        [tool.model_dump(mode="json", by_alias=True, exclude_none=True) for tool in listed],
        separators=(",", ":"),
    )
    assert len(whole) / 4 <= MOST_TOKENS


async def test_answers_through_the_protocol(fill: Fill, slack_settings: SlackSettings) -> None:
    await fill(
        together(
            channel("C1", "general"), person("U1", "Ada"), said("C1", "1700000000.000100", "hello there")
        )
    )
    async with Client(build_server(slack_settings).server) as client:
        found = (await client.call_tool("get_conversation", {"channel": "#general"})).structured_content
        assert found is not None and "hello there" in found["messages"][0]["text"]
        failed = await client.call_tool("get_conversation", {"channel": "generall"}, raise_on_error=False)
        assert failed.is_error and "general (C1)" in str(failed.content)


async def test_the_schema_bounds_the_size_of_an_answer(slack_settings: SlackSettings) -> None:
    async with Client(build_server(slack_settings).server) as client:
        for arguments in ({"limit": 0}, {"limit": 501}, {"max_tokens": 100}):
            refused = await client.call_tool(
                "search_messages", {"query": "x", **arguments}, raise_on_error=False
            )
            assert refused.is_error and f"{next(iter(arguments))} must be at" in str(refused.content)


async def test_a_cursor_of_another_query_is_refused(fill: Fill, slack_settings: SlackSettings) -> None:
    messages = (said("C1", f"170000000{number}.000100", "apples and pears") for number in range(5))
    await fill(together(channel("C1", "general"), person("U1", "Ada"), *messages))
    async with Client(build_server(slack_settings).server) as client:
        found = (
            await client.call_tool("search_messages", {"query": "apples", "limit": 2})
        ).structured_content
        assert found is not None
        cursor = found["next_cursor"]
        again = await client.call_tool("search_messages", {"query": "apples", "limit": 3, "cursor": cursor})
        assert len((again.structured_content or {})["results"]) == 3
        for tool, arguments in (
            ("search_messages", {"query": "pears"}),
            ("search_messages", {"query": "apples", "channels": ["general"]}),
            ("get_conversation", {"channel": "general"}),
        ):
            refused = await client.call_tool(tool, {**arguments, "cursor": cursor}, raise_on_error=False)
            assert refused.is_error and "cursor" in str(refused.content)


@pytest.mark.parametrize("text", ["\0", "a\0b", "half \ud83d", "#\0", "@\udc00", "<\0>"])
async def test_text_that_no_database_holds_is_no_failure(
    fill: Fill, store: Store, slack_settings: SlackSettings, text: str
) -> None:
    await fill(together(channel("C1", "general"), said("C1", "1700000000.000100", "hello there")))
    tools = by_name(store, slack_settings)
    for name, field in (
        ("get_conversation", "channel"), ("get_user_activity", "user"), ("list_users", "query"),
        ("list_channels", "query"), ("search_messages", "query"), ("get_channel_members", "channel"),
        ("get_thread", "thread"),
    ):  # fmt: skip
        assert await answer(tools[name], ADA, **{field: text}), name
    for field in ("channels", "authors"):
        await answer(tools["search_messages"], ADA, query=f"hello {text}", **{field: [text]})
    assert "hello" in await answer(tools["search_messages"], ADA, query=f"hello from:{text} in:{text} {text}")


async def test_a_link_to_something_else_is_told_from_no_link(
    store: Store, slack_settings: SlackSettings
) -> None:
    read = by_name(store, slack_settings)["get_conversation"]
    for link in ("https://example.org/", "https://acme.slack.com/team/U1"):
        assert "leads to no channel and no message" in await answer(read, ADA, channel=link)
    assert "channel: empty" in await answer(read, ADA, channel=" ")


async def test_a_cut_link_to_a_message_is_not_taken_for_its_channel(
    fill: Fill, store: Store, slack_settings: SlackSettings
) -> None:
    await fill(together(channel("C0123ABCD", "general"), said("C0123ABCD", "1700000000.000100", "hello")))
    read = by_name(store, slack_settings)["get_conversation"]
    cut = "https://acme.slack.com/archives/C0123ABCD/p17000000"
    assert "leads to no channel and no message" in await answer(read, ADA, channel=cut)
    assert "hello" in await answer(read, ADA, channel=cut.rpartition("/")[0])


async def test_what_someone_wrote_is_found_however_long_ago_and_however_they_are_named(
    fill: Fill, store: Store, slack_settings: SlackSettings
) -> None:
    await fill(
        together(
            channel("C1", "general"), person("UADA", "Ada"), said("C1", "1500000000.000100", "long ago", "UADA")
        )
    )  # fmt: skip
    read = by_name(store, slack_settings)["get_user_activity"]
    for user in ("UADA", "@ada", "<@UADA>", "<@UADA|ada>", "https://acme.slack.com/team/UADA", "me", "Ada"):
        found = json.loads(await answer(read, ADA, user=user))
        assert "long ago" in found["messages"][0]["text"], user
        assert "range" not in found and "next_cursor" not in found
    assert "`me` means nobody" in await answer(read, Caller(), user="me")


async def test_each_answer_about_messages_says_up_to_when_the_channels_are_known(
    fill: Fill, ingest: Database, store: Store, slack_settings: SlackSettings
) -> None:
    ts = "1700000000.000100"
    await fill(together(channel("C1", "general"), person("UADA", "Ada"), said("C1", ts, "hello", "UADA")))
    async with ingest.transaction(INGEST) as connection:
        await sync_state.cover(connection, INGEST, {"C1": (at("1690000000.0"), at("1700000100.0"))})
    tools = by_name(store, slack_settings)
    calls: dict[str, dict[str, Any]] = {
        "search_messages": {"query": "hello"},
        "get_conversation": {"channel": "general"},
        "get_thread": {"thread": ts, "channel": "general"},
        "get_user_activity": {"user": "UADA"},
        "catch_up": {"since": "2023-11-01"},
        "memory_status": {},
    }
    for name, arguments in calls.items():
        assert json.loads(await answer(tools[name], ADA, **arguments))["as_of"].startswith("2023-11-1"), name


@pytest.mark.parametrize(
    ("tool", "fields", "arguments"),
    [
        ("get_conversation", ("start", "end"), {"channel": "general"}),
        ("get_user_activity", ("start", "end"), {"user": "UADA"}),
        ("search_messages", ("after", "before"), {"query": "hello"}),
        ("catch_up", ("since", "until"), {}),
    ],
)
async def test_a_beginning_after_its_end_is_refused(
    fill: Fill,
    store: Store,
    slack_settings: SlackSettings,
    tool: str,
    fields: tuple[str, str],
    arguments: Any,
) -> None:
    await fill(together(channel("C1", "general"), person("UADA", "Ada")))
    begin, end = fields
    said_back = await answer(
        by_name(store, slack_settings)[tool], ADA, **arguments, **{begin: "2024-02-01", end: "2024-01-01"}
    )
    assert f"{begin} must not be after {end}" in said_back
    if tool == "catch_up":
        assert "since must not be empty" in await answer(by_name(store, slack_settings)[tool], ADA, since="")


async def test_highlights_say_how_much_was_cut(
    fill: Fill, store: Store, slack_settings: SlackSettings
) -> None:
    await fill(together(channel("C1", "general"), said("C1", "1700000000.000100", "a long story " * 200)))
    found = json.loads(await answer(by_name(store, slack_settings)["catch_up"], ADA, since="2023-11-01"))
    assert found["channels"][0]["highlights"][0]["omitted"] > 300


@pytest.mark.slow
def test_starting_imports_no_driver_and_no_model() -> None:
    code = (
        "import sys; from rookery_slack.server import build_server; from rookery_slack.settings import SlackSettings; "
        "build_server(SlackSettings()); "
        "print([name for name in ('asyncpg', 'numpy', 'wordllama', 'slack_sdk', 'openai', 'aiohttp') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


async def test_long_channels_are_read_by_page(
    fill: Fill, store: Store, slack_settings: SlackSettings
) -> None:
    await fill(
        together(
            channel("C1", "general"),
            *(said("C1", f"{1700000000 + n}.000100", f"line {n} " * 30) for n in range(40)),
        )
    )
    read = by_name(store, slack_settings)["get_conversation"]
    for arguments in ({}, {"start": "2020-01-01"}):
        seen: list[str] = []
        cursor = None
        while True:
            page = json.loads(
                await answer(
                    read, Caller(), channel="C1", limit=15, max_tokens=700, cursor=cursor, **arguments
                )
            )
            times = [message["ts"] for message in page["messages"]]
            assert times == sorted(times)
            seen += times
            cursor = page.get("next_cursor")
            if cursor is None:
                break
            assert "cursor" in page["left_out"]
        assert len(seen) == len(set(seen)) == 40


async def test_a_link_leads_to_its_thread_or_its_neighbours(
    fill: Fill, store: Store, slack_settings: SlackSettings
) -> None:
    lines = [said("C1", f"{1700000000 + n}.000100", f"line {n}") for n in range(9)]
    reply = said("C1", "1700000100.000100", "a reply", thread="1700000004.000100")
    await fill(together(channel("C1ABCDEF", "general"), *lines, reply, channel("C1", "one")))
    found = by_name(store, slack_settings)
    link = "https://x.slack.com/archives/C1/p{}"
    for name, argument in (("get_conversation", "channel"), ("get_thread", "thread")):
        reply_link = "https://x.slack.com/archives/C1ABCDEF/p1700000100000100"
        assert "not_found" in await answer(found[name], Caller(), **{argument: reply_link})
    around = json.loads(
        await answer(
            found["get_conversation"], Caller(), channel=link.format("1700000002000100"), neighbours=1
        )
    )
    if "messages" in around:  # ids in links have at least six characters; a shorter one is a name
        assert [message["ts"] for message in around["messages"]] == [
            f"{1700000000 + n}.000100" for n in (1, 2, 3)
        ]
    thread = json.loads(await answer(found["get_thread"], Caller(), thread="1700000004.000100", channel="C1"))
    assert [message["text"].split("\n")[1] for message in thread["messages"]] == ["line 4", "a reply"]
    assert thread["messages"][1]["permalink"].endswith("?thread_ts=1700000004.000100&cid=C1")


async def test_what_is_held_is_told_in_the_askers_zone(
    fill: Fill, ingest: Database, store: Store, slack_settings: SlackSettings
) -> None:
    lines = [said("CROOM1", f"{1700000000 + n}.000100", f"line {n}") for n in range(3)]
    room, empty = channel("CROOM1", "room"), channel("CEMPTY", "still empty")
    await fill(together(room, empty, person("UADA", "Ada", tz="Asia/Tokyo"), *lines))
    deleted = MessageDeleted("CROOM1", at("1700000001.000100"), None, at("1700000050.000100"))
    await fill(Observations(deletions=[deleted]))
    async with ingest.transaction(INGEST) as connection:
        stretch = (at("1700000000.000000"), at("1700003600.500000"))
        await sync_state.cover(connection, INGEST, {"CROOM1": stretch})
    status = by_name(store, slack_settings)["memory_status"]
    found = json.loads(await answer(status, Caller(user="UADA", kind="member")))
    assert [(each["channel"], each["messages"]) for each in found["channels"]] == [
        ("room", 2),
        ("still empty", 0),
    ]
    assert found["channels"][0]["first"] == "2023-11-15T07:13:20+09:00"
    assert found["channels"][0]["covered"] == [["2023-11-15T07:13:20+09:00", "2023-11-15T08:13:20+09:00"]]


async def test_the_newest_of_many_stretches_are_told_and_how_many_gaps_there_are(
    fill: Fill, ingest: Database, store: Store, slack_settings: SlackSettings
) -> None:
    await fill(together(channel("C1", "general"), said("C1", "1700000000.000100", "hello")))
    async with ingest.transaction(INGEST) as connection:
        for n in range(40):
            begin = f"{1700000000 + n * 1000}.000000"
            await sync_state.cover(
                connection, INGEST, {"C1": (at(begin), at(begin.replace("000.0", "500.0")))}
            )
    found = json.loads(await answer(by_name(store, slack_settings)["memory_status"], ADA))["channels"][0]
    assert found["gaps"] == 39
    assert len(found["covered"]) == 5
    assert found["covered"][-1][1] == at("1700039500.0").isoformat()


async def test_posting_takes_a_draft_and_its_token_once(
    fill: Fill, store: Store, slack_settings: SlackSettings
) -> None:
    async with SlackEmulator() as slack:
        room = slack.state.add_channel("general", [])
        await fill(
            together(
                channel(room.id, "general", members=("UGUEST",)),
                channel("CELSE", "elsewhere"),
                person("UADA", "Ada"),
                person("UGUEST", "Gus", is_guest=True),
            )
        )
        settings = slack_settings.model_copy(
            update={"slack_posting": True, "slack_post_channels": ("general",), "slack_api_url": slack.api_url,
                    "slack_bot_token": _secret(slack.state.app.bot_token)}
        )  # fmt: skip
        tools: Any = PostingTools(store, settings)
        with acting_as(ADA):
            draft = await tools.post_message("general", "hello")
            assert draft["sent"] is False and not slack.state.in_order(room.id)
            with pytest.raises(InvalidInput, match="token of this draft"):
                await tools.post_message("general", "something else", confirm=draft["confirm"])
            sent = await tools.post_message("general", "hello", confirm=draft["confirm"])
            assert sent["sent"] and [message.text for message in slack.state.in_order(room.id)] == ["hello"]
            with pytest.raises(Conflict):
                await tools.post_message("general", "hello", confirm=draft["confirm"])
            with pytest.raises(NotAllowed):
                await tools.post_message("elsewhere", "hello")
            link = f"https://x.slack.com/archives/{room.id}/p{slack.state.in_order(room.id)[0].ts.replace('.', '')}"
            reaction = await tools.add_reaction(link, ":tada:")
            await tools.add_reaction(link, ":tada:", confirm=reaction["confirm"])
            assert slack.state.in_order(room.id)[0].reactions == {"tada": [slack.state.app.bot_user]}
            answered = await tools.post_message(link, "an answer")
            assert answered["thread_ts"] == slack.state.in_order(room.id)[0].ts
            await tools.post_message(link, "an answer", confirm=answered["confirm"])
            assert slack.state.in_order(room.id)[-1].thread_ts == slack.state.in_order(room.id)[0].ts
            for emoji in ("", "::", "not a name"):
                with pytest.raises(InvalidInput, match="name of an emoji"):
                    await tools.add_reaction(link, emoji)
            gone = await tools.add_reaction(link.replace("/p", "/p9"), "tada")
            with pytest.raises(NotAllowed, match="message_not_found") as refused:
                await tools.add_reaction(link.replace("/p", "/p9"), "tada", confirm=gone["confirm"])
            assert refused.value.hint
        for stranger in (Caller(), Caller(kind="member", user="UGUEST"), Caller(kind="guest", user="UADA")):
            with acting_as(stranger), pytest.raises(NotAllowed, match="Only members"):
                await tools.post_message("general", "hello")
        for missing in (None, _secret("")):
            poor: Any = PostingTools(store, settings.model_copy(update={"slack_bot_token": missing}))
            with acting_as(ADA):
                draft = await poor.post_message("general", "hello")
                with pytest.raises(ConfigurationError):
                    await poor.post_message("general", "hello", confirm=draft["confirm"])


def _secret(text: str) -> Any:
    from pydantic import SecretStr

    return SecretStr(text)
