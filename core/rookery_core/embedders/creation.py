"""Which embedder the settings ask for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rookery_core.errors import ConfigurationError

if TYPE_CHECKING:
    from rookery_core.embedders.protocol import Embedder
    from rookery_core.settings import CoreSettings

DEFAULT_MODEL = "text-embedding-3-small"


def create_embedder(settings: CoreSettings) -> Embedder | None:
    """Make the embedder that ROOKERY_EMBEDDER names, without loading or calling anything yet.

    auto: the local model, unless ROOKERY_EMBEDDING_BASE_URL names an endpoint: a key that is set for a model of the
    agent sends no text elsewhere. none: None, and search is lexical only. Raises ConfigurationError when openai is asked for without a key or a base URL.
    """
    if settings.embedder == "none":
        return None
    reachable = bool(settings.openai_api_key or settings.embedding_base_url)
    if settings.embedder == "openai" and not reachable:
        raise ConfigurationError(
            "ROOKERY_EMBEDDER is openai, but there is no key.",
            hint="Set OPENAI_API_KEY, or ROOKERY_EMBEDDING_BASE_URL for a server that needs none.",
        )
    remote = settings.embedder == "openai" or settings.embedding_base_url
    if settings.embedder == "wordllama" or not remote:
        from rookery_core.embedders.local import LocalEmbedder

        return LocalEmbedder()
    return _remote(settings)


def _remote(settings: CoreSettings) -> Embedder:
    from rookery_core.embedders.remote import RemoteEmbedder

    return RemoteEmbedder(
        model=settings.embedding_model or DEFAULT_MODEL,
        api_key=settings.openai_api_key.get_secret_value() if settings.openai_api_key else None,
        base_url=settings.embedding_base_url or settings.openai_base_url,
    )
