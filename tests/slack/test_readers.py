"""Who reads the answer is part of who asks: what each kind of room is told, and what a message repeats of others."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from rookery_core.identity import Caller, RoomKind
from rookery_slack.observations import Observations
from rookery_slack.settings import SlackSettings
from rookery_slack.store.session import Store
from slack_calls import answer, by_name
from slack_facts import channel, person, said, together

Fill = Callable[[Observations], Awaitable[None]]
ADA, BOB, GUS, PAT = "U1ADA", "U2BOB", "U3GUS", "U4PAT"
OPEN, HALL, LEADS, OTHER, LOUNGE, PARTNER = "C1OPEN", "C2HALL", "C3LEADS", "C4OTHER", "C5LOUNGE", "C6PARTNER"
CHANNELS = {
    OPEN: "general",
    HALL: "hall",
    LEADS: "leads",
    OTHER: "board",
    LOUNGE: "lounge",
    PARTNER: "partners",
}
HOUSE = together(
    person(ADA, "Ada"),
    person(BOB, "Bob"),
    person(GUS, "Gus", is_guest=True),
    person(PAT, "Pat", is_stranger=True),
    channel(OPEN, "general", "public", (ADA, BOB)),
    channel(HALL, "hall", "public", (ADA, BOB)),
    channel(LEADS, "leads", "private", (ADA, BOB)),
    channel(OTHER, "board", "private", (ADA,)),
    channel(LOUNGE, "lounge", "public", (ADA, GUS)),
    channel(PARTNER, "partners", "public", (ADA, PAT), shared=True),
    *(
        said(each, f"17000000{number:02}.000100", f"marmalade of {name}", ADA)
        for number, (each, name) in enumerate(CHANNELS.items())
    ),
)
PUBLIC = {"general", "hall", "lounge", "partners"}
EVERYTHING = PUBLIC | {"leads", "board"}
ROOMS: list[tuple[RoomKind | None, str | None, set[str]]] = [
    (None, None, EVERYTHING),
    ("direct", "D1", EVERYTHING),
    ("public", OPEN, PUBLIC),
    ("private", LEADS, PUBLIC | {"leads"}),
    ("public", None, PUBLIC),
    ("guests", LOUNGE, {"lounge"}),
    ("shared", PARTNER, {"partners"}),
    ("shared", "C9UNKNOWN", set()),
    # A room is never more trusted than what the store knows of it.
    ("public", LOUNGE, {"lounge"}),
    ("private", PARTNER, {"partners"}),
]


@pytest.mark.parametrize(("room", "place", "theirs"), ROOMS)
async def test_a_room_is_told_what_it_may_read(
    fill: Fill,
    store: Store,
    slack_settings: SlackSettings,
    room: RoomKind | None,
    place: str | None,
    theirs: set[str],
) -> None:
    await fill(HOUSE)
    tools = by_name(store, slack_settings)
    ada = Caller(user=ADA, kind="member", channel=place, room=room)
    calls: list[tuple[str, dict[str, Any]]] = [
        ("search_messages", {"query": "marmalade", "limit": 20}),
        ("list_channels", {}),
        ("get_user_activity", {"user": ADA, "start": "2023-01-01"}),
        *(("get_conversation", {"channel": each}) for each in CHANNELS),
    ]
    told = "\n".join([await answer(tools[name], ada, **arguments) for name, arguments in calls])
    for name in EVERYTHING:
        assert (f"marmalade of {name}" in told) == (name in theirs), name
    people = await answer(tools["list_users"], ada)
    assert ("Bob" in people) == (len(theirs) > 1), "who shares no channel with the room is not named there"


async def test_others_never_learn_more_than_the_asker(
    fill: Fill, store: Store, slack_settings: SlackSettings
) -> None:
    await fill(HOUSE)
    search = by_name(store, slack_settings)["search_messages"]
    for room in ("direct", "private", "public", "guests", "shared"):
        told = await answer(
            search, Caller(user=GUS, kind="guest", channel=LOUNGE, room=room), query="marmalade"
        )
        assert "marmalade of lounge" in told
        assert "general" not in told
        assert "board" not in told


UNFURLED: dict[str, Any] = {
    "attachments": [
        {
            "is_msg_unfurl": True, "channel_id": OTHER, "text": "we sell the orchard",
            "from_url": f"https://x.slack.com/archives/{OTHER}/p1700000003000100", "fallback": "we sell the orchard",
        },
        {
            "is_share": True, "text": "the pears go first",
            "from_url": f"https://x.slack.com/archives/{OTHER}/p1700000003000100",
        },
        {"title": "A page", "title_link": "https://page.test", "text": "about quinces"},
    ]
}  # fmt: skip
LABELLED = f"see <#{OTHER}|board-secret>, `<#{OTHER}|board-secret>` and <#{HALL}|hall-of-fame> for plums"


async def test_what_a_message_repeats_of_a_hidden_channel_is_left_out(
    fill: Fill, store: Store, slack_settings: SlackSettings
) -> None:
    await fill(
        together(
            HOUSE,
            said(OPEN, "1700000100.000100", LABELLED, ADA),
            said(OPEN, "1700000101.000100", "look at this", ADA, **UNFURLED),
        )
    )
    tools = by_name(store, slack_settings)
    ada, bob = Caller(user=ADA, kind="member"), Caller(user=BOB, kind="member")
    for who in (bob, Caller(), Caller(user=ADA, kind="member", channel=OPEN, room="public")):
        told = await answer(tools["get_conversation"], who, channel=OPEN)
        assert "plums" in told
        assert "about quinces" in told
        assert "#hall" in told
        for hidden in ("board", "orchard", "pears"):
            assert hidden not in told, hidden
    told = await answer(tools["get_conversation"], ada, channel=OPEN)
    for shown in ("#board", "orchard", "pears", "about quinces"):
        assert shown in told, shown


async def test_hidden_words_find_nothing(fill: Fill, store: Store, slack_settings: SlackSettings) -> None:
    """A match would tell that the words are there."""
    await fill(
        together(
            HOUSE,
            said(OPEN, "1700000100.000100", LABELLED, ADA),
            said(OPEN, "1700000101.000100", "look at this", ADA, **UNFURLED),
        )
    )
    search = by_name(store, slack_settings)["search_messages"]
    for words, is_shown in (("board-secret", False), ("orchard", False), ("pears", False), ("hall-of-fame", True), ("quinces", True)):  # fmt: skip
        told = await answer(search, Caller(user=BOB, kind="member"), query=words)
        assert ("p17000001" in told) == is_shown, words
