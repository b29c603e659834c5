"""Whether a token is what it should be: the service it is for is asked."""

from __future__ import annotations

import os
import re
from typing import Any

from rookery.settings import AgentSettings
from rookery_core.errors import InvalidInput, RookeryError, Unavailable
from rookery_slackapi.errors import SlackLockedOut, SlackRefused, SlackScopeMissing
from rookery_slackapi.settings import SlackApiSettings
from rookery_slackapi.web import connect

TIMEOUT_S = 15
PATIENCE_S = 1.0
"""How long a check waits for Slack before it says that Slack is not reachable: a person waits at the terminal."""
GITHUB_API = "https://api.github.com"


async def check_slack_bot(token: str) -> str:
    """Who the bot is. Raises InvalidInput for a token that Slack refuses, Unavailable when Slack is not reachable."""
    if not token.startswith("xoxb-"):
        raise InvalidInput(
            "A bot token begins with xoxb-.", hint="It is under OAuth & Permissions of the Slack app."
        )
    told = await _slack("auth.test", token)
    return f"the bot {told.get('user')} in {told.get('team')}"


async def check_slack_app(token: str) -> str:
    """Whether the token opens Socket Mode. Raises InvalidInput when Slack refuses it."""
    if not token.startswith("xapp-"):
        raise InvalidInput(
            "An app-level token begins with xapp-.", hint="It is under Basic Information of the Slack app."
        )
    try:
        await _slack("apps.connections.open", token)
    except SlackRefused as refused:
        raise InvalidInput(f"Slack refuses the token: {refused.reason}.") from None
    return "Socket Mode may be used"


async def check_slack_people(ids: str, token: str) -> str:
    """The names of people by ids, separated by commas. token: the bot's. Raises InvalidInput for an unknown id."""
    names: list[str] = []
    for one in (part.strip() for part in ids.split(",")):
        if not re.fullmatch(r"[UW][A-Z0-9]+", one):
            raise InvalidInput(
                f"{one!r} is no member id.",
                hint="It begins with U: a profile in Slack > ... > Copy member ID.",
            )
        try:
            told = await _slack("users.info", token, user=one)
        except SlackRefused as refused:
            raise InvalidInput(f"Slack does not know {one}: {refused.reason}.") from None
        names.append(str(told["user"].get("real_name") or told["user"].get("name")))
    return ", ".join(names)


async def check_github(token: str) -> str:
    """How many requests the token has left."""
    base = os.environ.get("ROOKERY_GITHUB_URL", GITHUB_API).rstrip("/")
    told = await _json("GET", f"{base}/rate_limit", token, "GitHub")
    return f"{told['rate']['remaining']} requests left this hour"


async def check_database(url: str) -> str:
    """What server is there."""
    from rookery_core.database import status

    found = await status(url)
    version = found.capabilities.server_version
    return f"PostgreSQL {version // 10000}.{version % 10000}; `rookery db migrate` comes next"


async def check_model(settings: AgentSettings) -> str:
    """Have the model answer once. Raises Unavailable when it does not within a minute."""
    import asyncio

    from rookery.models.protocol import ChatMessage, Listener, ModelRequest, Text
    from rookery.models.selection import choose_model

    async def nothing(*_: str) -> None:
        return

    model = choose_model(settings)
    request = ModelRequest(
        system="You answer with one word.",
        messages=[ChatMessage("user", (Text("Say hello."),))],
        tools=(),
        max_output_tokens=64,
    )
    try:
        async with asyncio.timeout(60):
            reply = await model.reply(request, Listener(text=nothing, tool=nothing, restart=nothing))
    except TimeoutError:
        raise Unavailable("The model did not answer within a minute.") from None
    finally:
        await model.close()
    return f"{reply.model} answers"


async def _slack(method: str, token: str, *, user: str | None = None) -> dict[str, Any]:
    """Slack's answer. Raises InvalidInput for a token that Slack does not accept, SlackRefused, Unavailable."""
    api = connect(SlackApiSettings.from_environment(), token, patience_s=PATIENCE_S)
    try:
        return await api(method, user=user)
    except (SlackLockedOut, SlackScopeMissing) as refused:
        raise InvalidInput(
            f"Slack refuses the token: {refused.reason}.",
            hint="Install the app again and copy its token again.",
        ) from None


async def _json(method: str, url: str, token: str, who: str) -> dict[str, Any]:
    import aiohttp

    try:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=TIMEOUT_S), trust_env=True) as session,
            session.request(method, url, headers={"Authorization": f"Bearer {token}"}) as answer,
        ):
            if answer.status in (401, 403):
                raise InvalidInput(f"{who} refuses the token ({answer.status}).", hint="Make a new one.")
            answer.raise_for_status()
            return await answer.json()
    except RookeryError:
        raise
    except (aiohttp.ClientError, TimeoutError, ValueError) as error:
        raise Unavailable(f"{who} is not reachable: {type(error).__name__}.") from None
