"""Texts into vectors, by a local model or by any OpenAI-compatible server, behind one protocol."""

from rookery_core.embedders.creation import create_embedder
from rookery_core.embedders.protocol import Embedder, EmbeddingKind
from rookery_core.embedders.vector_index import ensure_stored_models_indexed, ensure_vector_index

__all__ = [
    "Embedder",
    "EmbeddingKind",
    "create_embedder",
    "ensure_stored_models_indexed",
    "ensure_vector_index",
]
