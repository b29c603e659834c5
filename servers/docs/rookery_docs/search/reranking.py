"""A second opinion on the best pages from a rerank endpoint, where one is configured."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from rookery_core.telemetry import get_logger

if TYPE_CHECKING:
    import httpx2

logger = get_logger(__name__)
DEPTH = 20
"""Pages that are ordered again; those behind keep their places."""
_LONGEST_TEXT = 2_000
_PATIENCE_S = 5.0


class Reranker:
    """Asks `POST url {model, query, documents}` for `{results: [{index, relevance_score}]}`."""

    def __init__(self, url: str, model: str | None, key: str | None) -> None:
        self._url = url
        self._model = model
        self._key = key
        self._client: httpx2.AsyncClient | None = None

    async def order(self, query: str, texts: Sequence[str]) -> list[int] | None:
        """The positions of `texts`, best first; None when the endpoint did not answer as it should in five seconds."""
        import httpx2

        if self._client is None:
            headers = {"Authorization": f"Bearer {self._key}"} if self._key else {}
            self._client = httpx2.AsyncClient(timeout=_PATIENCE_S, headers=headers)
        body: dict[str, Any] = {"query": query, "documents": [text[:_LONGEST_TEXT] for text in texts]}
        if self._model:
            body["model"] = self._model
        try:
            answer = await self._client.post(self._url, json=body)
            answer.raise_for_status()
            return _positions(answer.json(), len(texts))
        except (httpx2.HTTPError, ValueError, KeyError, TypeError) as error:
            logger.warning("results keep their own order: the reranker failed (%s)", type(error).__name__)
            return None

    async def close(self) -> None:
        """Close the connections."""
        if self._client is not None:
            await self._client.aclose()


def _positions(answer: dict[str, Any], count: int) -> list[int]:
    """Positions by falling score; what the endpoint left out comes last, in its old order."""
    scores = {int(row["index"]): float(row["relevance_score"]) for row in answer["results"]}
    known = [position for position in range(count) if position in scores]
    rest = [position for position in range(count) if position not in scores]
    return sorted(known, key=lambda position: -scores[position]) + rest
