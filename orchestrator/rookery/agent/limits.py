"""What one run may use, and what it cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from rookery.models.pricing import Price, price_of
from rookery.usage import Usage
from rookery_core.errors import RateLimited

if TYPE_CHECKING:
    from rookery.settings import AgentSettings


class LimitReached(RateLimited):
    """A limit is reached."""

    code = "limit"


class _Call(Protocol):
    @property
    def model(self) -> str: ...
    @property
    def asked(self) -> str: ...
    @property
    def usage(self) -> Usage: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class RunLimits:
    """None: no limit. prices: what the operator says of models whose price is not known here."""

    max_requests: int = 20
    max_tokens: int | None = None
    max_usd: float | None = None
    prices: Mapping[str, Price] = field(default_factory=dict[str, Price])

    @classmethod
    def of(cls, settings: AgentSettings, prices: Mapping[str, Price]) -> RunLimits:
        return cls(
            max_requests=settings.max_model_requests,
            max_tokens=settings.max_run_tokens,
            max_usd=settings.max_run_usd,
            prices=prices,
        )

    def check(self, usage: Usage, calls: Sequence[_Call], requests: int) -> None:
        """Raises LimitReached, in words for the asker, when nothing more may be used.

        usage and calls: of the whole question. requests: of this run.
        """
        if self.max_tokens is not None and usage.total >= self.max_tokens:
            raise self._too_large(f"{self.max_tokens:,} tokens")
        cost = self.cost(calls)
        if self.max_usd is not None and cost is not None and cost >= self.max_usd:
            raise self._too_large(f"${self.max_usd:.2f}")
        if requests >= self.max_requests:
            raise self._too_large(f"{self.max_requests} requests to the model")

    def is_last(self, requests: int) -> bool:
        """Whether the request after so many is the last one: it has to be answered without further calls."""
        return requests + 1 >= self.max_requests

    def cost(self, calls: Sequence[_Call]) -> float | None:
        """US dollars for all calls, or None when the price of one is not known."""
        costs = [self._cost(call) for call in calls]
        return sum(cost for cost in costs if cost is not None) if None not in costs else None

    def _cost(self, call: _Call) -> float | None:
        """By the name that the provider reports, else by the one that it was asked by."""
        price = price_of(call.model, self.prices) or price_of(call.asked, self.prices)
        return price.cost(call.usage) if price else None

    def _too_large(self, what: str) -> LimitReached:
        return LimitReached(
            f"This question is too large to be answered within the limit of {what} for one answer. "
            "Please split it into smaller questions."
        )
