"""The emulator is held to what Slack's own client and documentation expect of Slack."""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.signature import SignatureVerifier
from slack_sdk.socket_mode.aiohttp import SocketModeClient
from slack_sdk.socket_mode.async_client import AsyncBaseSocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.socket_mode.response import SocketModeResponse
from slack_sdk.web.async_client import AsyncWebClient

from emulators.slack import SlackEmulator
from emulators.slack.sample import Cast, furnish

Sdk = Any
"""Slack's client; its own annotations leave too much open to check against."""


def answer_of(caught: pytest.ExceptionInfo[SlackApiError]) -> Any:
    return caught.value.response  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]


def error_of(caught: pytest.ExceptionInfo[SlackApiError]) -> str:
    return str(answer_of(caught)["error"])


async def test_tokens_and_scopes_are_checked(slack: SlackEmulator, cast: Cast, sdk: Sdk) -> None:
    assert (await sdk.auth_test())["user_id"] == slack.state.app.bot_user
    for token, code in (
        ("xoxb-wrong", "invalid_auth"),
        (slack.state.app.app_token, "not_allowed_token_type"),
    ):
        stranger: Sdk = AsyncWebClient(token=token, base_url=slack.api_url, retry_handlers=[])
        with pytest.raises(SlackApiError) as caught:
            await stranger.auth_test()
        assert error_of(caught) == code
    slack.state.app.scopes = frozenset({"chat:write"})
    with pytest.raises(SlackApiError) as caught:
        await sdk.users_info(user=cast.ada.id)
    assert error_of(caught) == "missing_scope"
    assert answer_of(caught)["needed"] == "users:read"


async def test_posts_edits_and_deletions_are_seen(slack: SlackEmulator, cast: Cast, sdk: Sdk) -> None:
    root = slack.people.say(cast.ada.id, cast.general.id, "hello")
    posted = await sdk.chat_postMessage(channel=cast.general.id, thread_ts=root, text="hi")
    await sdk.chat_update(channel=cast.general.id, ts=posted["ts"], text="hi there")
    (reply,) = slack.screen.replies(cast.general.id, root)
    assert (reply.text, reply.edited) == ("hi there", True)
    await sdk.chat_delete(channel=cast.general.id, ts=posted["ts"])
    assert slack.screen.replies(cast.general.id, root) == []
    with pytest.raises(SlackApiError) as caught:
        await sdk.chat_update(channel=cast.general.id, ts=root, text="not mine")
    assert error_of(caught) == "cant_update_message"


async def test_the_sdks_own_stream_helper_streams(slack: SlackEmulator, cast: Cast, sdk: Sdk) -> None:
    root = slack.people.say(cast.ada.id, cast.general.id, "hello")
    stream = await sdk.chat_stream(
        channel=cast.general.id,
        thread_ts=root,
        recipient_team_id=cast.ada.team_id,
        recipient_user_id=cast.ada.id,
        buffer_size=1,
    )
    await stream.append(markdown_text="one ")
    assert slack.screen.replies(cast.general.id, root)[0].streaming
    with pytest.raises(SlackApiError) as caught:
        await sdk.chat_update(channel=cast.general.id, ts=stream.ts or "", text="too early")
    assert error_of(caught) == "streaming_state_conflict"
    await stream.append(markdown_text="two")
    await stream.stop(metadata={"event_type": "done", "event_payload": {"a": 1}})
    (line,) = slack.screen.replies(cast.general.id, root)
    assert (line.text, line.streaming) == ("one two", False)
    page = await sdk.conversations_replies(channel=cast.general.id, ts=root, include_all_metadata=True)
    assert page["messages"][1]["metadata"]["event_type"] == "done"
    with pytest.raises(SlackApiError) as caught:
        await sdk.chat_appendStream(channel=cast.general.id, ts=stream.ts or "", markdown_text="late")
    assert error_of(caught) == "message_not_in_streaming_state"


async def test_threads_are_paged_oldest_first_with_the_root(
    slack: SlackEmulator, cast: Cast, sdk: Sdk
) -> None:
    root = slack.people.say(cast.ada.id, cast.general.id, "root")
    said = [slack.people.say(cast.grace.id, cast.general.id, f"r{n}", thread_ts=root) for n in range(25)]
    texts: list[str] = []
    cursor: str | None = None
    while True:
        page = await sdk.conversations_replies(channel=cast.general.id, ts=root, limit=10, cursor=cursor)
        texts += [message["text"] for message in page["messages"]]
        if not page["has_more"]:
            break
        cursor = page["response_metadata"]["next_cursor"]
    assert texts == ["root", *(f"r{n}" for n in range(25))]
    history = await sdk.conversations_history(channel=cast.general.id)
    (top,) = history["messages"]
    assert (top["reply_count"], top["latest_reply"], top["thread_ts"]) == (25, said[-1], root)


async def test_limits_are_told_with_retry_after(slack: SlackEmulator, cast: Cast, sdk: Sdk) -> None:
    slack.faults.plan("users.info", "rate_limit", retry_after=7)
    with pytest.raises(SlackApiError) as caught:
        await sdk.users_info(user=cast.ada.id)
    assert error_of(caught) == "ratelimited"
    assert answer_of(caught).status_code == 429
    assert answer_of(caught).headers["Retry-After"] == "7"
    slack.limiter.enforced = True
    await sdk.chat_postMessage(channel=cast.general.id, text="one a second")
    with pytest.raises(SlackApiError) as caught:
        await sdk.chat_postMessage(channel=cast.general.id, text="and channel")
    assert error_of(caught) == "ratelimited"


async def test_private_channels_do_not_exist_for_strangers(
    slack: SlackEmulator, cast: Cast, sdk: Sdk
) -> None:
    hidden = slack.state.add_channel("hidden", [cast.ada.id], bot=False, kind="private")
    closed = slack.state.add_channel("closed", [cast.ada.id], bot=False)
    for channel, code in (
        (hidden.id, "channel_not_found"),
        (closed.id, "not_in_channel"),
        ("C0", "channel_not_found"),
    ):
        with pytest.raises(SlackApiError) as caught:
            await sdk.conversations_history(channel=channel)
        assert error_of(caught) == code
    listed = await sdk.conversations_list(types="public_channel,private_channel")
    assert hidden.id not in [channel["id"] for channel in listed["channels"]]


class Listener:
    """A socket of Slack's own client that keeps what it gets and acknowledges when told to."""

    def __init__(self, slack: SlackEmulator, *, acknowledge: bool = True) -> None:
        web = AsyncWebClient(base_url=slack.api_url)
        self.client = SocketModeClient(slack.state.app.app_token, web_client=web, ping_interval=0.2)
        self.acknowledge = acknowledge
        self.got: list[SocketModeRequest] = []
        self.arrived = asyncio.Event()
        self.client.socket_mode_request_listeners.append(self._take)

    async def _take(self, client: AsyncBaseSocketModeClient, request: SocketModeRequest) -> None:
        self.got.append(request)
        self.arrived.set()
        if self.acknowledge:
            await client.send_socket_mode_response(SocketModeResponse(envelope_id=request.envelope_id))

    def payloads(self) -> list[dict[str, Any]]:
        return [request.payload for request in self.got]  # pyright: ignore[reportUnknownMemberType]

    def texts(self) -> list[str]:
        return [event["event"]["text"] for event in self.payloads()]


async def test_an_event_goes_to_exactly_one_socket(slack: SlackEmulator, cast: Cast) -> None:
    slack.state.app.events = frozenset({"app_mention"})
    listeners = [Listener(slack), Listener(slack)]
    for listener in listeners:
        await listener.client.connect()
    for number in range(6):
        slack.people.mention(cast.ada.id, cast.general.id, f"q{number}")
    await slack.state.wait_for(lambda: not slack.sockets.unacked and sum(len(x.got) for x in listeners) == 6)
    assert sorted(listeners[0].texts() + listeners[1].texts()) == [f"<@U0BOT> q{n}" for n in range(6)]
    assert all(listener.got for listener in listeners)
    for listener in listeners:
        await listener.client.close()


async def test_an_unacknowledged_event_comes_again_and_says_so(slack: SlackEmulator, cast: Cast) -> None:
    slack.state.app.events = frozenset({"app_mention"})
    slack.sockets.ack_timeout_s = 0.05
    listener = Listener(slack, acknowledge=False)
    await listener.client.connect()
    slack.people.mention(cast.ada.id, cast.general.id, "anybody?")
    await asyncio.wait_for(listener.arrived.wait(), 5)
    listener.acknowledge = True
    await slack.state.wait_for(lambda: not slack.sockets.unacked and len(listener.got) >= 2)
    assert len({payload["event_id"] for payload in listener.payloads()}) == 1
    assert (listener.got[1].retry_attempt, listener.got[1].retry_reason) == (1, "timeout")
    await listener.client.close()


async def test_a_refresh_moves_the_client_to_a_new_socket(slack: SlackEmulator, cast: Cast) -> None:
    slack.state.app.events = frozenset({"app_mention"})
    listener = Listener(slack)
    await listener.client.connect()
    slack.sockets.refresh()
    await slack.state.wait_for(lambda: slack.sockets.connections == 2)
    slack.people.mention(cast.ada.id, cast.general.id, "still there?")
    await slack.state.wait_for(lambda: len(listener.got) == 1 and not slack.sockets.unacked)
    await listener.client.close()


async def test_http_requests_are_signed_as_slack_signs(slack: SlackEmulator) -> None:
    headers = slack.delivery.signature(b'{"a": 1}')
    verifier = SignatureVerifier(slack.state.app.signing_secret)
    assert verifier.is_valid_request(b'{"a": 1}', headers)
    assert not verifier.is_valid_request(b'{"a": 2}', headers)


async def test_files_need_the_token(slack: SlackEmulator, cast: Cast, sdk: Sdk) -> None:
    file = slack.people.file(cast.ada.id, "notes.txt", b"remember the milk", "text/plain")
    info: dict[str, Any] = (await sdk.files_info(file=file.id))["file"]
    assert (info["size"], info["mimetype"]) == (17, "text/plain")
    async with aiohttp.ClientSession() as session:
        async with session.get(info["url_private_download"]) as answer:
            assert answer.content_type == "text/html"
        token = {"Authorization": f"Bearer {slack.state.app.bot_token}"}
        async with session.get(info["url_private_download"], headers=token) as answer:
            assert await answer.read() == b"remember the milk"


async def test_the_sdk_uploads_a_file_into_a_thread(slack: SlackEmulator, cast: Cast, sdk: Sdk) -> None:
    root = slack.people.say(cast.ada.id, cast.general.id, "send me the list")
    await sdk.files_upload_v2(
        channel=cast.general.id, thread_ts=root, filename="list.csv", content="a,b\n1,2\n"
    )
    (message,) = [m for m in slack.state.thread(cast.general.id, root) if m.files]
    assert (message.files[0].name, message.files[0].content) == ("list.csv", b"a,b\n1,2\n")


async def test_an_emulator_that_is_started_again_has_event_ids_of_its_own() -> None:
    """A bot keeps the ids that it has seen in its database, for ever."""
    ids: set[str] = set()
    for epoch in (1_760_000_000, 1_760_000_060):
        async with SlackEmulator() as emulator:
            emulator.state.epoch = epoch
            cast = furnish(emulator.state)
            emulator.people.mention(cast.ada.id, cast.general.id, "again?")
            found = {envelope.payload["event_id"] for envelope in emulator.sockets.delivered}
            assert len(found) == 2
            assert not ids & found
            ids |= found
