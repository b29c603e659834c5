"""Keys and tokens: there, of the right form, and with --live accepted by whom they are for."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from typing import Any, cast

from rookery.doctor.finding import Examined, Finding, failed, stopwatch
from rookery_core.errors import RookeryError

_FORMS = {"SLACK_BOT_TOKEN": "xoxb-", "SLACK_APP_TOKEN": "xapp-"}


async def check_model(examined: Examined) -> list[Finding]:
    """Which model would answer; with --live, whether it does."""
    from rookery.models.choosing import choose_model, model_names

    try:
        model = choose_model(examined.settings)
    except RookeryError as error:
        return [failed("model", error)]
    names = ", then ".join(model_names(examined.settings))
    try:
        if model.extractive:
            remedy = (
                "Set ANTHROPIC_API_KEY, or OPENAI_API_KEY (with OPENAI_BASE_URL for Ollama, vLLM and others)."
            )
            return [Finding("model", "warn", "no key is set: answers are made of quotes", remedy)]
        if not examined.live:
            return [Finding("model", "ok", f"{names} (not asked; --live asks it)")]
        with stopwatch() as elapsed:
            await _say_hello(model)
            return [Finding("model", "ok", f"{names} answered, {elapsed()}")]
    except RookeryError as error:
        return [failed("model", error)]
    finally:
        await model.close()


async def _say_hello(model: object) -> None:
    from rookery.models.protocol import Listener, Message, Model, ModelRequest, Text

    async def nothing(*_: str) -> None:
        return

    request = ModelRequest(
        system="You answer with one word.", messages=[Message("user", (Text("Say hello."),))], tools=(), max_output_tokens=64
    )  # fmt: skip
    listener = Listener(text=nothing, tool=nothing, restart=nothing)
    async with asyncio.timeout(60):
        await cast(Model, model).reply(request, listener)


async def check_tokens(examined: Examined) -> list[Finding]:
    """Tokens for Slack, GitHub and callers over HTTP."""
    found = [_slack(name, prefix) for name, prefix in _FORMS.items()]
    found.append(_github())
    found += _callers(examined)
    if examined.live:
        found += [each for each in await asyncio.gather(_live_slack(), _live_github()) if each]
    return found


def _slack(name: str, prefix: str) -> Finding:
    value = os.environ.get(name, "")
    if not value:
        return Finding(
            "slack",
            "warn",
            f"{name} is not set: `rookery slack` cannot start",
            "`rookery init` leads to one.",
        )
    if not value.startswith(prefix):
        return Finding(
            "slack", "fail", f"{name} does not begin with {prefix}", "The two tokens may be exchanged."
        )
    return Finding("slack", "ok", f"{name} is set")


def _github() -> Finding:
    if os.environ.get("GITHUB_TOKEN") or os.environ.get("GH_TOKEN"):
        return Finding("github", "ok", "a token is set")
    remedy = "Set GITHUB_TOKEN to a fine-grained token that may read."
    return Finding("github", "warn", "no token: public repositories only, 60 requests an hour", remedy)


def _callers(examined: Examined) -> list[Finding]:
    from rookery_core.identity.asker import check_key
    from rookery_core.identity.tokens import read_tokens

    settings, found = examined.settings, list[Finding]()
    for area, check in (
        (
            "http tokens",
            lambda: settings.http_tokens and read_tokens(settings.http_tokens.get_secret_value()),
        ),
        ("context key", lambda: settings.context_key and check_key(settings.context_key.get_secret_value())),
    ):
        try:
            if check():
                found.append(Finding(area, "ok", "is readable"))
        except RookeryError as error:
            found.append(failed(area, error))
    return found


async def _live_slack() -> Finding | None:
    token = os.environ.get("SLACK_BOT_TOKEN")
    if not token:
        return None

    async def ask() -> str:
        from slack_sdk.web.async_client import AsyncWebClient

        client: Any = AsyncWebClient(token=token, timeout=10)
        told = await client.auth_test()
        return f"Slack knows the bot as {told['user']} in {told['team']}"

    return await _asked("slack", ask, "Install the app again and copy its Bot User OAuth Token.")


async def _live_github() -> Finding | None:
    token = os.environ.get("GITHUB_TOKEN") or os.environ.get("GH_TOKEN")
    if not token:
        return None

    async def ask() -> str:
        import aiohttp

        headers = {"Authorization": f"Bearer {token}", "Accept": "application/vnd.github+json"}
        timeout = aiohttp.ClientTimeout(total=10)
        base = os.environ.get("ROOKERY_GITHUB_API_URL", "https://api.github.com").rstrip("/")
        async with (
            aiohttp.ClientSession(headers=headers, timeout=timeout) as session,
            session.get(f"{base}/rate_limit") as answer,
        ):
            answer.raise_for_status()
            left = (await answer.json())["rate"]["remaining"]
        return f"GitHub accepts the token, {left} requests left this hour"

    return await _asked("github", ask, "Make a new token; this one is refused or has expired.")


async def _asked(area: str, ask: Callable[[], Awaitable[str]], remedy: str) -> Finding:
    try:
        return Finding(area, "ok", await ask())
    except Exception as error:  # noqa: BLE001 whatever it is, the report says it, without the token
        return Finding(area, "fail", f"{type(error).__name__}: {str(error)[:160]}", remedy)
