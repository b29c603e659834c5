"""From settings to the parts of an agent."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rookery.mcp.config import NamedServer
from rookery.mcp.defaults import configured_servers
from rookery_core.errors import ConfigurationError

if TYPE_CHECKING:
    from rookery.agent.agent import Agent
    from rookery.models.pricing import Price
    from rookery.models.protocol import Model
    from rookery.settings import AgentSettings


@dataclass(frozen=True, slots=True)
class Parts:
    """What an agent is built from. context_key signs the asker for servers that check it."""

    servers: Sequence[NamedServer]
    model: Callable[[], Model]
    prices: Mapping[str, Price]
    context_key: str
    agent_class: type[Agent]


def prepared(settings: AgentSettings) -> Parts:
    """The parts, as the settings name them. Nothing is started yet."""
    from rookery.configuration import agent_class_of
    from rookery.models.choosing import choose_model
    from rookery.settings import configuration_of

    key = settings.context_key.get_secret_value() if settings.context_key else secrets.token_urlsafe(48)
    servers = [_knowing(server, key, settings) for server in configured_servers(settings)]
    told = configuration_of(type(settings), settings.config_file)
    _require_prices(settings, told.prices)
    return Parts(servers, lambda: choose_model(settings), told.prices, key, agent_class_of(told))


def _require_prices(settings: AgentSettings, prices: Mapping[str, Price]) -> None:
    """A limit on money means nothing for a model whose price nobody knows."""
    from rookery.models.choosing import model_names
    from rookery.models.pricing import bare_name, price_of

    if not any((settings.max_run_usd, settings.max_user_day_usd, settings.max_day_usd)):
        return
    for name in model_names(settings):
        if price_of(name, prices) is None:
            raise ConfigurationError(
                f"There is a limit on money, but the price of {name} is not known.",
                hint=f'Give it in rookery.toml: [prices."{bare_name(name)}"] with input and output.',
            )


def _knowing(server: NamedServer, key: str, settings: AgentSettings) -> NamedServer:
    """A server of ours that we start also gets the key under which we tell it who asks, and where data lives."""
    if not server.own or server.entry.command is None:
        return server
    env = {
        "ROOKERY_CONTEXT_KEY": key,
        "ROOKERY_DATA_DIR": str(settings.data_dir.expanduser().resolve()),
        **server.entry.env,
    }
    return NamedServer(server.name, server.entry.model_copy(update={"env": env}), own=True)
