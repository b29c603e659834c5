"""The questions of `rookery init`, each answer checked at once by whom it is for."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection
from functools import partial
from typing import Protocol

from pydantic import SecretStr

from rookery.settings import AgentSettings
from rookery.setup import services
from rookery_core.errors import RookeryError

Check = Callable[[str], Awaitable[str]]


class Person(Protocol):
    """Who answers."""

    def ask(self, text: str, *, secret: bool = False) -> str:
        """An answer; empty: leave it out."""
        ...

    def tell(self, text: str) -> None: ...


async def ask_everything(person: Person, known: Collection[str] = ()) -> dict[str, str]:
    """The variables for .env. An empty answer leaves a part out; a refused one is asked again, or kept on request.

    known: what .env sets already, and keeps where the answer is empty.
    """
    values: dict[str, str] = {}
    person.tell("Every question may be left empty. Tokens are checked with the service they are for.")
    if known:
        person.tell(f"Set in .env already, and kept where the answer is empty: {', '.join(known)}.")
    person.tell("\nDatabase: empty for the embedded PostgreSQL, else the address of a server with pgvector.")
    await _one(person, values, "DATABASE_URL", services.check_database)
    await _model(person, values, known)
    person.tell("\nGitHub: a fine-grained token that may read; empty for public repositories only.")
    await _one(person, values, "GITHUB_TOKEN", services.check_github)
    person.tell(
        "\nSlack: create an app from slack-manifest.yaml (api.slack.com/apps), install it, copy both tokens."
    )
    await _one(person, values, "SLACK_BOT_TOKEN", services.check_slack_bot)
    if "SLACK_BOT_TOKEN" in {*values, *known}:
        await _one(person, values, "SLACK_APP_TOKEN", services.check_slack_app)
    if token := values.get("SLACK_BOT_TOKEN"):
        person.tell(
            "\nAdmins of the bot: their member ids (a profile in Slack > ... > Copy member ID), with commas."
        )
        check = partial(services.check_slack_people, token=token)
        await _one(person, values, "ROOKERY_SLACK_ADMINS", check, secret=False)
    return values


async def _model(person: Person, values: dict[str, str], known: Collection[str]) -> None:
    person.tell(
        "\nModel: a key of Anthropic, else of OpenAI or a server that speaks the same. Empty: answers are quotes."
    )

    async def anthropic(key: str) -> str:
        return await services.check_model(AgentSettings(anthropic_api_key=SecretStr(key), model=None))

    await _one(person, values, "ANTHROPIC_API_KEY", anthropic)
    if "ANTHROPIC_API_KEY" in {*values, *known}:
        return
    base = person.ask("OPENAI_BASE_URL (empty for OpenAI itself)")
    model = person.ask("Name of the model (empty for the default)") if base else ""

    async def openai(key: str) -> str:
        name = f"openai:{model}" if model else None
        return await services.check_model(
            AgentSettings(openai_api_key=SecretStr(key), openai_base_url=base or None, model=name)
        )

    await _one(person, values, "OPENAI_API_KEY", openai)
    if base and "OPENAI_API_KEY" in values:
        values["OPENAI_BASE_URL"] = base
        if model:
            values["ROOKERY_MODEL"] = f"openai:{model}"


async def _one(
    person: Person, values: dict[str, str], name: str, check: Check, *, secret: bool = True
) -> None:
    while value := person.ask(name, secret=secret).strip():
        try:
            person.tell(f"  ok: {await check(value)}")
        except (RookeryError, OSError) as error:
            person.tell(f"  {error}")
            if person.ask("  Keep it all the same? [y/N]").strip().lower() not in ("y", "yes"):
                continue
        values[name] = value
        return
