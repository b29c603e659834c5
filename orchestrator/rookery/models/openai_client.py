"""What both of OpenAI's interfaces share."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar
from urllib.parse import urlsplit

from rookery.models.sdk import imported
from rookery.models.windows import window_of

if TYPE_CHECKING:
    from openai import AsyncOpenAI


class OpenAIClient:
    """A client of OpenAI or of a server that speaks the same. The SDK is imported with the first request."""

    extractive = False
    provider: ClassVar[str]

    def __init__(
        self, model: str, key: str, *, base_url: str | None, timeout_s: float, context_tokens: int | None
    ) -> None:
        self.model = model
        self._key = key
        self._base_url = base_url
        self.timeout_s = timeout_s
        self._client: AsyncOpenAI | None = None
        self.context_tokens = context_tokens or window_of(model)

    @property
    def name(self) -> str:
        return f"{self.provider}:{self.model}"

    @property
    def official(self) -> bool:
        """Whether it is OpenAI itself, or its models at Azure."""
        host = urlsplit(self._base_url or "").hostname or "api.openai.com"
        return host.endswith((".openai.com", ".azure.com"))

    async def close(self) -> None:
        if self._client is not None:
            await self._client.close()

    async def client(self) -> AsyncOpenAI:
        """The SDK's client."""
        sdk = await imported("openai")
        if self._client is None:
            client: AsyncOpenAI = sdk.AsyncOpenAI(
                api_key=self._key, base_url=self._base_url, timeout=self.timeout_s, max_retries=0
            )
            self._client = client
        return self._client
