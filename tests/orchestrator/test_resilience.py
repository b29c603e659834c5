"""The chain of models: who is asked, how often, and when not at all."""

from __future__ import annotations

import asyncio

import pytest

from emulators.models.scripted import ScriptedModel, Turn
from rookery.models.protocol import (
    ChatMessage,
    ContextTooLong,
    Listener,
    ModelKeyRefused,
    ModelOverloaded,
    ModelRefusedRequest,
    ModelReply,
    ModelRequest,
    ModelUnreachable,
    Text,
)
from rookery.models.resilience import FAILURES_TO_OPEN, FIRST_REST_S, Breaker, Resilient

REQUEST = ModelRequest(
    system="", messages=[ChatMessage("user", (Text("x"),))], tools=(), max_output_tokens=100
)


class Clock:
    def __init__(self) -> None:
        self.now = 0.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


class Chain:
    """A chain of scripted models under a clock that only the test moves."""

    def __init__(self, *models: list[Turn], retries: int = 2) -> None:
        self.clock = Clock()
        self.models = [ScriptedModel(turns, name=f"m{number}") for number, turns in enumerate(models)]
        self.chain = Resilient(self.models, retries=retries, sleep=self.clock.sleep, clock=self.clock)
        self.restarts = 0

    async def ask(self) -> ModelReply:
        async def heard(_: str) -> None:
            return

        async def restart() -> None:
            self.restarts += 1

        return await self.chain.reply(REQUEST, Listener(text=heard, tool=heard, restart=restart))


async def test_an_overload_is_retried_after_a_growing_pause_with_jitter() -> None:
    chain = Chain([ModelOverloaded("busy"), ModelUnreachable("cut"), "ok"])
    assert (await chain.ask()).text == "ok"
    first, second = chain.clock.slept
    assert 0.25 <= first <= 0.5
    assert 0.5 <= second <= 1.0
    assert chain.restarts == 2


async def test_the_provider_says_how_long_to_wait() -> None:
    chain = Chain([ModelOverloaded("busy", retry_after_s=7), "ok"])
    await chain.ask()
    assert 7 <= chain.clock.slept[0] <= 7.5


async def test_the_next_model_answers_when_the_first_cannot() -> None:
    chain = Chain([ModelOverloaded("busy")], ["from the second"])
    reply = await chain.ask()
    assert (reply.text, reply.model) == ("from the second", "m1")
    assert len(chain.models[0].requests) == 3


async def test_a_refused_key_is_not_tried_again() -> None:
    chain = Chain([ModelKeyRefused("no")], ["ok"])
    await chain.ask()
    await chain.ask()
    assert len(chain.models[0].requests) == 1
    assert chain.clock.slept == []


async def test_what_is_too_long_is_nobodys_fault() -> None:
    chain = Chain([ContextTooLong("long"), "ok"], ["second"])
    with pytest.raises(ContextTooLong):
        await chain.ask()
    assert (await chain.ask()).model == "m0"


async def test_a_provider_that_fails_again_and_again_is_left_alone_for_a_while() -> None:
    chain = Chain([ModelOverloaded("busy")], ["second"], retries=0)
    for _ in range(FAILURES_TO_OPEN + 5):
        await chain.ask()
    assert len(chain.models[0].requests) == FAILURES_TO_OPEN
    chain.clock.now += FIRST_REST_S + 1
    chain.models[0].turns = ["back"]
    assert (await chain.ask()).text == "back"
    assert (await chain.ask()).text == "back"


async def test_when_all_rest_the_caller_learns_for_how_long() -> None:
    chain = Chain([ModelUnreachable("gone")], retries=0)
    for _ in range(FAILURES_TO_OPEN):
        with pytest.raises(ModelUnreachable):
            await chain.ask()
    with pytest.raises(ModelOverloaded) as raised:
        await chain.ask()
    assert raised.value.retry_after_s == pytest.approx(FIRST_REST_S)


def test_a_failing_probe_opens_the_breaker_for_longer() -> None:
    clock = Clock()
    breaker = Breaker(clock)
    for _ in range(FAILURES_TO_OPEN):
        assert breaker.allows()
        breaker.failed()
    clock.now += FIRST_REST_S
    assert breaker.allows()
    assert not breaker.allows(), "one probe at a time"
    breaker.failed()
    assert breaker.left_s == FIRST_REST_S * 2


async def test_a_cancelled_probe_lets_the_next_one_through() -> None:
    chain = Chain([ModelUnreachable("gone")], retries=0)
    for _ in range(FAILURES_TO_OPEN):
        with pytest.raises(ModelUnreachable):
            await chain.ask()
    chain.clock.now += FIRST_REST_S
    chain.models[0].hang = asyncio.Event()
    task = asyncio.create_task(chain.ask())
    while len(chain.models[0].requests) == FAILURES_TO_OPEN:
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    chain.models[0].hang, chain.models[0].turns = None, ["back"]
    assert (await chain.ask()).text == "back"


async def test_a_longer_pause_than_anybody_waits_is_left_to_the_caller() -> None:
    """Asking again sooner than the provider said would be refused again, and prolongs it."""
    chain = Chain([ModelOverloaded("busy", retry_after_s=90)], ["second"])
    assert (await chain.ask()).text == "second"
    assert (len(chain.models[0].requests), chain.clock.slept) == (1, [])
    alone = Chain([ModelOverloaded("busy", retry_after_s=90)])
    with pytest.raises(ModelOverloaded) as raised:
        await alone.ask()
    assert raised.value.retry_after_s == 90


async def test_a_request_has_all_the_attempts_that_were_set() -> None:
    chain = Chain([*[ModelOverloaded("busy")] * 5, "ok"], retries=5)
    assert (await chain.ask()).text == "ok"


async def test_requests_that_were_under_way_together_do_not_lengthen_the_rest() -> None:
    chain = Chain([ModelUnreachable("gone")], retries=0)
    chain.models[0].hang = asyncio.Event()
    asked = [asyncio.create_task(chain.ask()) for _ in range(50)]
    while len(chain.models[0].requests) < 50:
        await asyncio.sleep(0)
    chain.models[0].hang.set()
    await asyncio.gather(*asked, return_exceptions=True)
    chain.clock.now += FIRST_REST_S
    chain.models[0].turns = ["back"]
    assert (await chain.ask()).text == "back"


async def test_a_refused_request_says_nothing_against_its_provider() -> None:
    """One image that cannot be read, asked about three times, must not take the model from everybody."""
    chain = Chain([ModelRefusedRequest("this image cannot be read")], retries=0)
    for _ in range(FAILURES_TO_OPEN + 1):
        with pytest.raises(ModelRefusedRequest):
            await chain.ask()
    assert len(chain.models[0].requests) == FAILURES_TO_OPEN + 1


async def test_what_was_streamed_is_void_before_the_next_model_begins() -> None:
    chain = Chain([ModelUnreachable("cut")], ["second"], retries=0)
    assert (await chain.ask()).text == "second"
    assert chain.restarts == 1
