"""Prices of models. Prices of your contract go into rookery.toml, section [prices], and override ours."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from rookery.models.providers import PROVIDERS
from rookery.usage import Usage
from rookery_core.errors import ConfigurationError
from rookery_core.settings_file import SettingsFile, refuse_unknown_keys


@dataclass(frozen=True, slots=True)
class Price:
    """US dollars for a million tokens. Cached input is a share of `input` when its own price is not given."""

    input: float
    output: float
    cache_read: float | None = None
    cache_write: float | None = None

    def cost(self, usage: Usage) -> float:
        """US dollars for `usage`."""
        read = self.input * 0.1 if self.cache_read is None else self.cache_read
        write = self.input * 1.25 if self.cache_write is None else self.cache_write
        millionths = (
            usage.input_tokens * self.input
            + usage.output_tokens * self.output
            + usage.cache_read_tokens * read
            + usage.cache_write_tokens * write
        )
        return millionths / 1e6


_PRICE_KEYS = ("input", "output", "cache_read", "cache_write")
FREE = Price(0.0, 0.0)
LIST_PRICES: Mapping[str, Price] = {
    "extractive": FREE,
    "claude-opus-4-5": Price(5.0, 25.0),
    "claude-sonnet-4-5": Price(3.0, 15.0),
    "claude-haiku-4-5": Price(1.0, 5.0),
    "gpt-5": Price(1.25, 10.0),
    "gpt-5-mini": Price(0.25, 2.0),
    "gpt-5-nano": Price(0.05, 0.4),
}
"""List prices at the time of writing. A model that is not listed has no price until one is configured."""


def price_of(model: str, own: Mapping[str, Price]) -> Price | None:
    """The price of a model by its name, with or without the provider and the date at its end."""
    name = bare_name(model)
    for table in (own, LIST_PRICES):
        for key in (model, name, _without_date(name)):
            if key in table:
                return table[key]
    return None


def read_prices(file: SettingsFile) -> dict[str, Price]:
    """The prices of rookery.toml by model. Raises ConfigurationError that names the file, the model and the key."""
    prices: dict[str, Price] = {}
    for model, value in file.section("prices").items():
        where = f"{file.path}: [prices.{model!r}]"
        if not isinstance(value, dict):
            raise ConfigurationError(f"{where} must be a section.")
        table = cast(dict[str, Any], value)
        refuse_unknown_keys(table, _PRICE_KEYS, where)
        if not all(isinstance(price, int | float) and price >= 0 for price in table.values()):
            raise ConfigurationError(f"{where}: prices must be numbers, in US dollars per million tokens.")
        if not {"input", "output"} <= table.keys():
            raise ConfigurationError(f"{where}: input and output are required.")
        prices[model] = Price(**table)
    return prices


def bare_name(model: str) -> str:
    """The name without its provider. Some names contain a colon (`llama3.1:8b`)."""
    provider, _, name = model.partition(":")
    return name if name and provider in PROVIDERS else model


def _without_date(name: str) -> str:
    head, _, tail = name.rpartition("-")
    if tail.isdigit() and len(tail) == 8:
        return head
    parts = name.rsplit("-", 3)
    return parts[0] if len(parts) == 4 and all(part.isdigit() for part in parts[1:]) else name
