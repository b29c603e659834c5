"""Keys and tokens: there, of the right form, and with --live accepted by whom they are for."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable

from rookery.doctor.findings import Examined, Finding, failed
from rookery_core.errors import RookeryError

_FORMS = {"SLACK_BOT_TOKEN": "xoxb-", "SLACK_APP_TOKEN": "xapp-"}


async def check_model(examined: Examined) -> list[Finding]:
    """Which model would answer; with --live, whether it does."""
    from rookery.models.selection import choose_model, model_names
    from rookery.setup import services

    names = ", then ".join(model_names(examined.settings))
    try:
        model = choose_model(examined.settings)
        await model.close()
        if model.extractive:
            remedy = (
                "Set ANTHROPIC_API_KEY, or OPENAI_API_KEY (with OPENAI_BASE_URL for Ollama, vLLM and others)."
            )
            return [Finding("model", "warn", "no key is set: answers are made of quotes", remedy)]
        if not examined.live:
            return [Finding("model", "ok", f"{names} (not asked; --live asks it)")]
        return [Finding("model", "ok", await services.check_model(examined.settings))]
    except RookeryError as error:
        return [failed("model", error)]


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
    from rookery.setup.services import check_slack_bot

    token = os.environ.get("SLACK_BOT_TOKEN")
    return await _asked("slack", check_slack_bot(token)) if token else None


async def _live_github() -> Finding | None:
    from rookery.setup.services import check_github

    token = os.environ.get("GITHUB_TOKEN") or os.environ.get("GH_TOKEN")
    return await _asked("github", check_github(token)) if token else None


async def _asked(area: str, answer: Awaitable[str]) -> Finding:
    try:
        return Finding(area, "ok", await answer)
    except RookeryError as error:
        return failed(area, error)
