"""What models cost, by whichever name they go."""

from __future__ import annotations

import pytest

from rookery.agent.limits import LimitReached, RunLimits
from rookery.models.pricing import Price, price_of
from rookery.traces.records import ModelCall
from rookery.usage import Usage

OWN = {"llama3.1:8b": Price(1, 2)}


def call(model: str, asked: str = "") -> ModelCall:
    return ModelCall(model=model, asked=asked, duration_ms=1, usage=Usage(input_tokens=1_000_000), stop="end")


@pytest.mark.parametrize("name", ["llama3.1:8b", "openai:llama3.1:8b"])
def test_a_name_with_a_colon_of_its_own(name: str) -> None:
    assert price_of(name, OWN) == Price(1, 2)
    assert price_of("openai:mistral:8b", OWN) is None


@pytest.mark.parametrize("dated", ["claude-haiku-4-5-20251001", "anthropic:claude-haiku-4-5"])
def test_a_dated_name(dated: str) -> None:
    assert price_of(dated, {}) == Price(1.0, 5.0)


def test_a_server_that_reports_another_name_costs_what_the_asked_one_does() -> None:
    """Else limits on money would not hold for it."""
    limits = RunLimits(max_usd=0.5, prices=OWN)
    calls = [call("/models/llama.gguf", "openai:llama3.1:8b")]
    assert limits.cost(calls) == 1.0
    with pytest.raises(LimitReached):
        limits.check(Usage(), calls, 1)


def test_the_limit_counts_what_the_models_cost_that_answered() -> None:
    """After a fallback the first model's price says nothing."""
    limits = RunLimits(max_usd=2.0, prices={"dear": Price(100, 0), "cheap": Price(1, 0)})
    limits.check(Usage(input_tokens=1_000_000), [call("cheap")], 1)


def test_what_caches_save_and_cost() -> None:
    used = Usage(input_tokens=1_000_000, output_tokens=1_000_000, cache_read_tokens=1_000_000, cache_write_tokens=1_000_000)  # fmt: skip
    assert Price(10, 50).cost(used) == pytest.approx(10 + 50 + 1 + 12.5)
    assert Price(10, 50, cache_read=2, cache_write=3).cost(used) == pytest.approx(10 + 50 + 2 + 3)
