"""The shipped compose.yaml, run as processes: everybody gets the private rows that are theirs, and no others."""

from __future__ import annotations

import json
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx2
import pytest

from emulators.github import Emulator
from emulators.github.sample import TOKEN, sample_world
from emulators.models.scripted import ScriptedModel
from postgres_for_tests import TestServer
from rookery.agent import Question, open_agent
from rookery.models.protocol import ToolUse
from rookery.slack.settings import BotSettings
from rookery_core.identity import Caller, RoomKind
from rookery_core.identity.tokens import new_token
from rookery_slack.store.writer import Writer
from shipped_compose import Deployment, deployed
from slack_facts import INGEST, channel, person, said, together

if TYPE_CHECKING:
    from rookery_core.database import Database

pytestmark = pytest.mark.slow

PRIVATE, PUBLIC, SHARED = "G0PRIVATE", "C0PUBLIC", "C0SHARED"
BOT, MEMBER, OTHER, GUEST, PARTNER, STRANGER = (
    "U0BOT",
    "U0MEMBER",
    "U0OTHER",
    "U0GUEST",
    "U0PARTNER",
    "U0STRANGER",
)
SECRET, OPEN, JOINT = "marmalade in the vault", "marmalade in the kitchen", "marmalade for partners"
WORKSPACE = together(
    person(BOT, "Rookery", is_bot=True),
    person(MEMBER, "Mia"),
    person(OTHER, "Otto"),
    person(GUEST, "Gus", is_guest=True),
    person(PARTNER, "Pat", is_stranger=True),
    channel(PRIVATE, "board", "private", (BOT, MEMBER)),
    channel(PUBLIC, "general", "public", (BOT, MEMBER, OTHER)),
    channel(SHARED, "with-partner", "public", (BOT, MEMBER, GUEST, PARTNER), shared=True),
    said(PRIVATE, "1780000001.000100", SECRET, MEMBER),
    said(PUBLIC, "1780000002.000100", OPEN, MEMBER),
    said(SHARED, "1780000003.000100", JOINT, MEMBER),
)  # fmt: skip
ASKED = [
    ("member", Caller(user=MEMBER, kind="member", channel="D0MEMBER", room="direct"), {SECRET, OPEN, JOINT}),
    ("other", Caller(user=OTHER, kind="member", channel="D0OTHER", room="direct"), {OPEN, JOINT}),
    ("guest", Caller(user=GUEST, kind="guest", channel="D0GUEST", room="direct"), {JOINT}),
    ("partner", Caller(user=PARTNER, kind="outsider", channel=SHARED, room="shared"), {JOINT}),
    ("stranger", Caller(user=STRANGER, kind="outsider", channel="D0STRANGER", room="direct"), set[str]()),
    ("nobody", Caller(), {OPEN, JOINT}),
]
"""Who asks where, and which texts are theirs to read."""
REMEMBERED = "The marmalade is counted on Mondays."


@pytest.fixture
def env_file(tmp_path: Path) -> dict[str, str]:
    """A filled-in .env, as its comments and `rookery token new` say."""
    token, entry = new_token(BOT, scopes=["delegate"])
    return {
        "POSTGRES_PASSWORD": "p",
        **{
            f"ROOKERY_LOGIN_PASSWORD_{part}": part
            for part in ("SLACK", "DOCS", "GITHUB", "MEMORY", "INGEST", "AGENT")
        },
        "ROOKERY_BOT_TOKEN": token,
        "ROOKERY_HTTP_TOKENS": json.dumps([entry]),
        "ROOKERY_CONTEXT_KEY": secrets.token_urlsafe(48),
        "ROOKERY_EMBEDDER": "none",
    }


@pytest.fixture
def database_url(postgres: TestServer, database_name: str) -> str:
    return postgres.app_dsn(database_name)


@pytest.fixture
async def workspace(open_database: Callable[..., Awaitable[Database]]) -> None:
    ingest = await open_database("rookery_ingest")
    async with ingest.transaction(INGEST) as connection:
        await Writer(INGEST).merge(connection, WORKSPACE)


def asking(deployment: Deployment, monkeypatch: pytest.MonkeyPatch, *uses: ToolUse) -> tuple[BotSettings, ScriptedModel]:  # fmt: skip
    """The bot's settings in its environment, and a model that makes these calls and is done."""
    for name, value in deployment.bot.items():
        monkeypatch.setenv(name, value)
    return BotSettings.from_environment(traces=False), ScriptedModel([list(uses), "Done."])


SEARCHES = (
    ToolUse("1", "rookery-slack_search_messages", {"query": "marmalade"}),
    ToolUse("2", "rookery-slack_get_channel_history", {"channel": PRIVATE}),
    ToolUse("3", "rookery-slack_list_channels", {}),
)


@pytest.mark.usefixtures("workspace")
async def test_everybody_reads_what_is_theirs(
    tmp_path: Path, env_file: dict[str, str], database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with deployed(tmp_path, env_file, database_url, "slack", "memory") as deployment:
        settings, model = asking(deployment, monkeypatch)
        async with open_agent(settings, model=model, for_many=True) as agent:
            assert not agent.servers.down()
            for who, caller, theirs in ASKED:
                model.turns, model.requests = [list(SEARCHES), "Done."], []
                await agent.answer(Question(text="Where is the marmalade?", caller=caller))
                read = "\n".join(model.results)
                for text in (SECRET, OPEN, JOINT):
                    assert (text in read) == (text in theirs), f"{who}: {text}"
                assert ("board" in read) == (SECRET in theirs), who
            remembered = ToolUse("1", "rookery-memory_remember", {"content": REMEMBERED})
            model.turns, model.requests = [[remembered], "Done."], []
            await agent.answer(Question(text="Remember it.", caller=ASKED[0][1]))
            for who, caller, _ in ASKED:
                recalled = ToolUse("1", "rookery-memory_recall", {"query": "marmalade Mondays"})
                model.turns, model.requests = [[recalled], "Done."], []
                await agent.answer(Question(text="When is it counted?", caller=caller))
                assert (REMEMBERED in "\n".join(model.results)) == (who == "member"), who


async def test_private_repositories_are_for_members_where_nobody_else_reads(
    tmp_path: Path, env_file: dict[str, str], database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Others are served without the operator's token: GitHub itself says that there is no such repository."""
    member = ASKED[0][1]
    rooms: tuple[RoomKind, ...] = ("direct", "private", "public", "guests", "shared")
    among = [
        (room, replace(member, channel="C0ROOM", room=room), room not in ("guests", "shared"))
        for room in rooms
    ]
    with Emulator(sample_world()) as github:
        env_file["GITHUB_TOKEN"] = TOKEN
        more = {"ROOKERY_GITHUB_URL": github.url, "ROOKERY_GITHUB_WEB_URL": "https://github.com"}
        async with deployed(tmp_path, env_file, database_url, "github", **more) as deployment:
            settings, model = asking(deployment, monkeypatch)
            async with open_agent(settings, model=model, for_many=True) as agent:
                askers = [(who, caller, who in ("member", "other")) for who, caller, _ in ASKED]
                for who, caller, may_see in (*askers, *among):
                    asked = [
                        ToolUse("1", "rookery-github_get_issue", {"issue": "acme/secret#1"}),
                        ToolUse("2", "rookery-github_search_issues", {"query": "plan"}),
                        ToolUse("3", "rookery-github_get_issue", {"issue": "acme/widgets#1"}),
                    ]
                    model.turns, model.requests = [asked, "Done."], []
                    before = len(github.requests)
                    await agent.answer(Question(text="What is planned?", caller=caller))
                    secret, found, public = model.results
                    assert ("Secret plan" in secret) == may_see, who
                    assert may_see or "Secret plan" not in found, who
                    assert "widgets" in public, who
                    answered = [status for _, path, status in github.requests[before:] if "secret" in path]
                    assert may_see or set(answered) <= {404}, who


@pytest.mark.usefixtures("workspace")
async def test_the_bots_own_token_reads_public_content_only(
    tmp_path: Path, env_file: dict[str, str], database_url: str
) -> None:
    """A bot that forgets to say who asks must not read with its own membership."""
    async with (
        deployed(tmp_path, env_file, database_url, "slack") as deployment,
        httpx2.AsyncClient(base_url=f"http://127.0.0.1:{deployment.ports['slack']}") as client,
    ):
        headers = {"Authorization": f"Bearer {env_file['ROOKERY_BOT_TOKEN']}"}
        found = await client.post("/api/search_messages", json={"query": "marmalade"}, headers=headers)
        assert found.status_code == 200
        assert OPEN in found.text
        assert SECRET not in found.text
        claims: tuple[Any, ...] = (None, "", 7, {}, "a.b")
        for claim in claims:
            answer = await _call(client, headers, {"rookery/asker": claim})
            assert "not_allowed" in answer, claim
            assert "marmalade" not in answer, claim
        assert (await client.post("/api/search_messages", json={"query": "marmalade"})).status_code == 401


async def _call(client: httpx2.AsyncClient, headers: dict[str, str], meta: dict[str, Any]) -> str:
    request = {
        "jsonrpc": "2.0", "id": 1, "method": "tools/call",
        "params": {"name": "search_messages", "arguments": {"query": "marmalade"}, "_meta": meta},
    }  # fmt: skip
    accepted = {**headers, "Accept": "application/json, text/event-stream"}
    return (await client.post("/mcp", json=request, headers=accepted)).text
