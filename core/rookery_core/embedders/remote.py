"""The embedder behind any server that speaks OpenAI's `/embeddings`."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from importlib import import_module
from typing import TYPE_CHECKING

from rookery_core.embedders.pooling import unit_rows
from rookery_core.embedders.protocol import EmbeddingKind
from rookery_core.errors import ConfigurationError, RateLimited, RookeryError, Unavailable

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from openai import AsyncOpenAI, OpenAIError

KNOWN_DIMENSIONS = {
    "text-embedding-3-small": 1536,
    "text-embedding-3-large": 3072,
    "text-embedding-ada-002": 1536,
}
TIMEOUT_S = 30.0
MAX_RETRIES = 3
CONCURRENT_REQUESTS = 4
SHORTEST_RETRY = 400
TOO_MUCH = (400, 413, 422)


class RemoteEmbedder:
    """Embeds over HTTP: in batches, four requests at a time, with time-outs and retries by the client.

    A server that refuses a request as too large gets it in halves, down to single texts cut short.
    """

    weak = False

    def __init__(
        self,
        *,
        model: str,
        api_key: str | None,
        base_url: str | None,
        timeout_s: float = TIMEOUT_S,
        max_retries: int = MAX_RETRIES,
    ) -> None:
        self.model = model
        self._dimensions = KNOWN_DIMENSIONS.get(model, 0)
        self._api_key = api_key or "none"
        self._base_url = base_url
        self._timeout_s = timeout_s
        self._max_retries = max_retries
        self._client: AsyncOpenAI | None = None
        self._requests = asyncio.Semaphore(CONCURRENT_REQUESTS)

    @property
    def dimensions(self) -> int:
        """The model's size; 0 until the first answer when it is not a listed model."""
        return self._dimensions

    async def embed(self, texts: Sequence[str], kind: EmbeddingKind = "document") -> NDArray[np.float32]:
        """Embed over HTTP; both kinds alike. Each text is cut to about 8,000 tokens."""
        import numpy as np

        clipped = [clip_to_tokens(text) for text in texts]
        groups = list(batches(clipped))
        answers = await asyncio.gather(*(self._ask([clipped[at] for at in group]) for group in groups))
        vectors = np.zeros((len(texts), self._dimensions), dtype=np.float32)
        for group, answer in zip(groups, answers, strict=True):
            vectors[group] = np.asarray(answer, dtype=np.float32)
        return unit_rows(vectors)

    async def close(self) -> None:
        """Close the connections."""
        client, self._client = self._client, None
        if client is not None:
            await client.close()

    async def _ask(self, texts: list[str]) -> list[list[float]]:
        from openai import APIStatusError, OpenAIError

        try:
            async with self._requests:
                return await self._request(texts)
        except APIStatusError as error:
            smaller = _smaller(texts) if error.status_code in TOO_MUCH else None
            if smaller is None:
                raise _explain(error, self.model) from None
        except OpenAIError as error:
            raise _explain(error, self.model) from None
        return [vector for part in smaller for vector in await self._ask(part)]

    async def _request(self, texts: list[str]) -> list[list[float]]:
        client = await self._connected()
        answer = await client.embeddings.create(model=self.model, input=texts, encoding_format="float")
        vectors = [item.embedding for item in sorted(answer.data, key=lambda item: item.index)]
        sizes = {len(vector) for vector in vectors}
        if len(vectors) != len(texts) or len(sizes) != 1:
            raise Unavailable(
                f"The embedding server answered {len(vectors)} vectors of sizes {sorted(sizes)} to {len(texts)} texts."
            )
        (size,) = sizes
        if self._dimensions not in (0, size):
            raise Unavailable(f"The embedding server answers vectors of {size}, not of {self._dimensions}.")
        self._dimensions = size
        return vectors

    async def _connected(self) -> AsyncOpenAI:
        if self._client is None:
            await asyncio.to_thread(import_module, "openai")  # a second of imports would stop the event loop
            from openai import AsyncOpenAI

            self._client = AsyncOpenAI(
                api_key=self._api_key,
                base_url=self._base_url,
                timeout=self._timeout_s,
                max_retries=self._max_retries,
            )
        return self._client


def _smaller(texts: list[str]) -> list[list[str]] | None:
    """The same in two requests, or one text cut to half; None when nothing is left to cut."""
    if len(texts) > 1:
        middle = len(texts) // 2
        return [texts[:middle], texts[middle:]]
    if len(texts[0]) > SHORTEST_RETRY:
        return [[texts[0][: len(texts[0]) // 2]]]
    return None


def _explain(error: OpenAIError, model: str) -> RookeryError:
    from openai import APIStatusError, RateLimitError

    if isinstance(error, RateLimitError):
        wait = _seconds(error.response.headers.get("retry-after"))
        return RateLimited("The embedding server's rate limit is used up.", retry_after_s=wait)
    if not isinstance(error, APIStatusError):
        return Unavailable(f"The embedding server cannot be reached ({type(error).__name__}).")
    if error.status_code in (401, 403):
        return ConfigurationError("The embedding server refuses the key.", hint="Check OPENAI_API_KEY.")
    if error.status_code == 404:
        return ConfigurationError(
            f"The embedding server does not know the model {model!r}.",
            hint="Check ROOKERY_EMBEDDING_MODEL and ROOKERY_EMBEDDING_BASE_URL.",
        )
    return Unavailable(f"The embedding server answered with status {error.status_code}.")


def _seconds(header: str | None) -> float:
    try:
        return min(max(float(header or ""), 1.0), 120.0)
    except ValueError:
        return 10.0


MAX_TOKENS_A_TEXT = 8_000
MAX_TEXTS = 256
MAX_CHARACTERS = 200_000
FIRST_WIDE = "\u2e80"
"""Characters from here on (Chinese, Japanese, Korean and beyond) cost about a token each, others a quarter."""


def clip_to_tokens(text: str, tokens: int = MAX_TOKENS_A_TEXT) -> str:
    """The longest beginning of the text that is within about so many tokens, as valid UTF-8."""
    text = text.encode("utf-8", "replace").decode("utf-8")
    if len(text) <= tokens:
        return text
    used = 0
    for position, character in enumerate(text):
        used += 1 if character < FIRST_WIDE else 4
        if used > tokens * 4:
            return text[:position]
    return text


def batches(texts: Sequence[str]) -> Iterator[list[int]]:
    """The positions of the texts that are not blank, grouped so that each group fits one request."""
    group: list[int] = []
    size = 0
    for position, text in enumerate(texts):
        if not text.strip():
            continue
        if group and (len(group) >= MAX_TEXTS or size + len(text) > MAX_CHARACTERS):
            yield group
            group, size = [], 0
        group.append(position)
        size += len(text)
    if group:
        yield group
