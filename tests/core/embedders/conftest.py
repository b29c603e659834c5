"""An embedding server on this machine."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from emulators.embedding_server import EmbeddingServer


@pytest.fixture
def embedding_server() -> Iterator[EmbeddingServer]:
    server = EmbeddingServer()
    yield server
    server.close()
