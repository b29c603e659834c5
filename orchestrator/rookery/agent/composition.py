"""Builds an agent with its servers, model and recorder from the settings."""

from __future__ import annotations

import secrets
from collections.abc import AsyncGenerator, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

from rookery.agent.agent import Agent
from rookery.mcp.own_servers import configured_servers
from rookery_core.errors import ConfigurationError
from rookery_core.mcp.configuration import NamedServer

if TYPE_CHECKING:
    from rookery.models.pricing import Price
    from rookery.models.protocol import Model
    from rookery.settings import AgentSettings


@asynccontextmanager
async def open_agent(
    settings: AgentSettings,
    *,
    agent_class: type[Agent] | None = None,
    model: Model | None = None,
    audiences: Collection[str] | None = None,
    for_many: bool = False,
    **options: Any,
) -> AsyncGenerator[Agent]:
    """An agent with its servers started (in parallel; one that fails is left out and joins later) and its model.

    agent_class: None takes the one that rookery.toml names, else Agent. model: None takes the one that the settings
    name. audiences: only the servers that check signed askers under one of these names. for_many: it answers many people,
    so that every server with a token of ours must check who asks. options: of Agent.
    Raises ConfigurationError for a wrong mcp.json, rookery.toml or model.
    """
    from rookery.agent.recorder import Recorder
    from rookery_core.mcp.server_group import ServerGroup

    parts = prepared(settings, for_many=for_many)
    chosen = model or parts.model()
    recorder = Recorder(settings) if settings.traces else None
    if recorder:
        recorder.start()
    try:
        servers = [one for one in parts.servers if audiences is None or one.entry.audience in audiences]
        async with ServerGroup(servers) as group:
            yield (agent_class or parts.agent_class)(
                settings,
                group,
                chosen,
                prices=parts.prices,
                context_key=parts.context_key,
                recorder=recorder,
                **options,
            )
    finally:
        await chosen.close()
        if recorder:
            await recorder.close()


@dataclass(frozen=True, slots=True)
class Parts:
    """What an agent is built from. context_key signs the asker for servers that check it."""

    servers: Sequence[NamedServer]
    model: Callable[[], Model]
    prices: Mapping[str, Price]
    context_key: str
    agent_class: type[Agent]


def prepared(settings: AgentSettings, *, for_many: bool = False) -> Parts:
    """The parts, as the settings name them. Nothing is started yet."""
    from rookery.models.pricing import read_prices
    from rookery.models.selection import choose_model
    from rookery_core.settings_file import read_settings_file

    key = settings.context_key.get_secret_value() if settings.context_key else secrets.token_urlsafe(48)
    servers = [
        _with_our_environment(server, key, settings)
        for server in configured_servers(settings, for_many=for_many)
    ]
    prices = read_prices(read_settings_file(settings.config_file))
    _require_prices(settings, prices)
    return Parts(servers, lambda: choose_model(settings), prices, key, agent_class_of(settings))


def agent_class_of(settings: AgentSettings) -> type[Agent]:
    """The class that answers. Raises ConfigurationError when it cannot be imported or is no Agent."""
    if settings.agent_class is None:
        return Agent
    module, _, name = settings.agent_class.partition(":")
    try:
        agent_class = getattr(import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise ConfigurationError(
            f"rookery.toml: class {settings.agent_class!r} cannot be loaded: {error}.",
            hint='Write it as "package.module:Class".',
        ) from None
    if not (isinstance(agent_class, type) and issubclass(agent_class, Agent)):
        raise ConfigurationError(
            f"rookery.toml: class {settings.agent_class!r} must be a subclass of rookery.agent.Agent."
        )
    return agent_class


def _require_prices(settings: AgentSettings, prices: Mapping[str, Price]) -> None:
    """A cost limit needs the price of every configured model. Raises ConfigurationError."""
    from rookery.models.pricing import bare_name, price_of
    from rookery.models.selection import model_names

    if not any((settings.max_run_usd, settings.max_user_day_usd, settings.max_day_usd)):
        return
    for name in model_names(settings):
        if price_of(name, prices) is None:
            raise ConfigurationError(
                f"A cost limit is set, but the price of {name} is not known.",
                hint=f'Give it in rookery.toml: [prices."{bare_name(name)}"] with input and output.',
            )


def _with_our_environment(server: NamedServer, key: str, settings: AgentSettings) -> NamedServer:
    """A server of ours that we start also receives the key that signs askers, and the data folder."""
    if not server.own or server.entry.command is None:
        return server
    env = {
        "ROOKERY_CONTEXT_KEY": key,
        "ROOKERY_DATA_DIR": str(settings.data_dir.expanduser().resolve()),
        **server.entry.env,
    }
    return NamedServer(server.name, server.entry.model_copy(update={"env": env}), own=True)
