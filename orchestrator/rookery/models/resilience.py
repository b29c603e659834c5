"""A chain of models: each is retried with care, and the next answers when one cannot."""

from __future__ import annotations

import asyncio
import dataclasses
import logging
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from rookery.models.protocol import (
    ContextTooLong,
    Listener,
    Model,
    ModelError,
    ModelKeyRefused,
    ModelOverloaded,
    ModelReply,
    ModelRequest,
    ModelUnreachable,
)
from rookery_core.telemetry import get_logger

logger = get_logger(__name__)

FAILURES_TO_OPEN = 3
FIRST_REST_S, LONGEST_REST_S = 15.0, 300.0
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 20.0


@dataclass(slots=True)
class Breaker:
    """Keeps requests away from a provider that fails again and again, for a time that grows.

    After the rest one request is let through: its success closes the breaker, its failure opens it for longer.
    threshold: failures in a row that open it.
    """

    clock: Callable[[], float] = time.monotonic
    threshold: int = FAILURES_TO_OPEN
    failures: int = 0
    rest_s: float = FIRST_REST_S
    open_until: float = 0.0
    probing: bool = False

    def allows(self) -> bool:
        """Whether a request may be made now; the one that probes counts as made."""
        if self.failures < self.threshold:
            return True
        if self.probing or self.clock() < self.open_until:
            return False
        self.probing = True
        return True

    @property
    def left_s(self) -> float:
        return max(0.0, self.open_until - self.clock())

    def succeeded(self) -> None:
        self.failures, self.rest_s, self.open_until, self.probing = 0, FIRST_REST_S, 0.0, False

    def failed(self, *, at_once: bool = False) -> None:
        """at_once: no further attempt makes sense before the rest (a refused key)."""
        if self.failures >= self.threshold and not self.probing:
            return  # it was under way already when the breaker opened
        self.failures = max(self.failures + 1, self.threshold if at_once else 0)
        if self.failures >= self.threshold:
            self.rest_s = min(self.rest_s * 2, LONGEST_REST_S) if self.probing else self.rest_s
            self.open_until = self.clock() + self.rest_s
        self.probing = False

    def gave_up(self) -> None:
        """A request ended without telling anything about the provider (it was cancelled)."""
        self.probing = False


class Resilient:
    """Models in order of preference. An overload or a broken stream is retried, a refusal goes to the next."""

    def __init__(
        self,
        models: Sequence[Model],
        *,
        retries: int = 2,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        # A single request has all its attempts before the breaker opens.
        threshold = max(FAILURES_TO_OPEN, retries + 1)
        self._models = [(model, Breaker(clock, threshold)) for model in models]
        self._retries = retries
        self._sleep = sleep

    @property
    def name(self) -> str:
        return self._models[0][0].name

    @property
    def context_tokens(self) -> int:
        """The smallest window of the chain: any of its models may have to take over in the middle of a run."""
        return min(model.context_tokens for model, _ in self._models)

    @property
    def extractive(self) -> bool:
        return self._models[0][0].extractive

    async def reply(self, request: ModelRequest, listener: Listener) -> ModelReply:
        problem: ModelError | None = None
        for model, breaker in self._models:
            if not breaker.allows():
                continue
            try:
                return await self._try(model, breaker, request, listener)
            except ContextTooLong:
                raise
            except ModelError as error:
                last = model is self._models[-1][0]
                logger.log(logging.INFO if last else logging.WARNING, "%s: %s", model.name, error)
                problem = error
                await listener.restart()
        raise problem or self._resting()

    async def close(self) -> None:
        for model, _ in self._models:
            await model.close()

    async def _try(
        self, model: Model, breaker: Breaker, request: ModelRequest, listener: Listener
    ) -> ModelReply:
        for attempt in range(self._retries + 1):
            try:
                reply = await model.reply(request, listener)
            except (ModelOverloaded, ModelUnreachable) as error:
                breaker.failed()
                if attempt == self._retries or _too_long(error.retry_after_s) or not breaker.allows():
                    raise
                await listener.restart()
                await self._sleep(_pause(attempt, error.retry_after_s))
            except ModelKeyRefused:
                breaker.failed(at_once=True)
                raise
            except ModelError:
                breaker.succeeded()  # it answered: the fault is the request's
                raise
            except BaseException:
                breaker.gave_up()
                raise
            else:
                breaker.succeeded()
                return dataclasses.replace(reply, asked=model.name)
        raise AssertionError("the last attempt returns or raises")

    def _resting(self) -> ModelOverloaded:
        wait = min(breaker.left_s for _, breaker in self._models)
        return ModelOverloaded(
            "No model can be asked just now: each of them failed several times in a row.",
            retry_after_s=max(1.0, wait),
        )


def _too_long(told: float | None) -> bool:
    """Whether the provider wants a longer pause than anybody waits for here: the next model, or the caller, has to do."""
    return told is not None and told > LONGEST_PAUSE_S


def _pause(attempt: int, told: float | None) -> float:
    """Seconds before the next attempt: what the provider says, else growing, with jitter. Never very long."""
    if told is not None:
        return told + random.uniform(0, 0.5)  # noqa: S311 jitter needs no secrecy
    return min(FIRST_PAUSE_S * 2**attempt, LONGEST_PAUSE_S) * random.uniform(0.5, 1.0)  # noqa: S311
