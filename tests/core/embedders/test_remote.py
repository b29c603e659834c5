from __future__ import annotations

from collections.abc import AsyncIterator

import numpy as np
import pytest

from emulators.embedding_server import EmbeddingServer
from rookery_core.embedders.remote import MAX_TEXTS, RemoteEmbedder, batches, clip_to_tokens
from rookery_core.errors import ConfigurationError, RateLimited, Unavailable


@pytest.fixture
async def embedder(embedding_server: EmbeddingServer) -> AsyncIterator[RemoteEmbedder]:
    made = RemoteEmbedder(
        model="small", api_key="sk-secret", base_url=embedding_server.url, timeout_s=5, max_retries=1
    )
    yield made
    await made.close()


async def test_each_text_gets_its_own_vector_of_length_one(embedder: RemoteEmbedder) -> None:
    assert embedder.dimensions == 0
    vectors = await embedder.embed(["alpha", "be", "  ", "gamma!"])
    assert vectors.shape == (4, 4)
    assert vectors.dtype == np.float32
    assert embedder.dimensions == 4
    assert np.allclose(np.linalg.norm(vectors, axis=1), [1, 1, 0, 1])
    # the server answers in another order; index says which is which
    assert np.allclose(vectors[1], np.array([2, ord("b"), 1, 2]) / np.linalg.norm([2, ord("b"), 1, 2]))


async def test_many_texts_go_in_batches(embedder: RemoteEmbedder, embedding_server: EmbeddingServer) -> None:
    texts = [f"text {number}" for number in range(MAX_TEXTS * 2 + 1)]
    assert (await embedder.embed(texts)).shape[0] == len(texts)
    assert sorted(map(len, embedding_server.requests)) == [1, MAX_TEXTS, MAX_TEXTS]


async def test_a_passing_failure_is_retried(
    embedder: RemoteEmbedder, embedding_server: EmbeddingServer
) -> None:
    embedding_server.fail_with = [429]
    assert (await embedder.embed(["once more"])).any()


async def test_what_is_too_large_goes_in_parts_down_to_a_text_cut_short(
    embedder: RemoteEmbedder, embedding_server: EmbeddingServer
) -> None:
    embedding_server.longest = 500
    vectors = await embedder.embed(["a" * 300, "b" * 300, "c" * 1500])
    assert vectors.any(axis=1).all()
    assert max(sum(map(len, texts)) for texts in embedding_server.requests) <= 500


@pytest.mark.parametrize(
    ("status", "error"),
    [(401, ConfigurationError), (404, ConfigurationError), (429, RateLimited), (500, Unavailable)],
)
async def test_a_refusal_says_what_to_do_and_no_secret(
    embedder: RemoteEmbedder, embedding_server: EmbeddingServer, status: int, error: type[Exception]
) -> None:
    embedding_server.fail_with = [status] * 4
    with pytest.raises(error) as raised:
        await embedder.embed(["x"])
    assert "sk-secret" not in str(raised.value)


async def test_a_server_that_is_not_there_is_unavailable(embedding_server: EmbeddingServer) -> None:
    url = embedding_server.url
    embedding_server.close()
    gone = RemoteEmbedder(model="small", api_key=None, base_url=url, timeout_s=2, max_retries=0)
    with pytest.raises(Unavailable):
        await gone.embed(["x"])
    await gone.close()


async def test_vectors_of_another_size_are_refused(
    embedder: RemoteEmbedder, embedding_server: EmbeddingServer
) -> None:
    await embedder.embed(["x"])
    embedding_server.dimensions = 3
    with pytest.raises(Unavailable, match="not of 4"):
        await embedder.embed(["y"])


def test_texts_are_cut_to_what_a_model_takes() -> None:
    assert clip_to_tokens("short") == "short"
    assert len(clip_to_tokens("a" * 100_000, 100)) == 400
    assert len(clip_to_tokens("漢" * 100_000, 100)) == 100
    clip_to_tokens("\ud800 lone").encode()


def test_batches_leave_out_blanks_and_keep_positions() -> None:
    assert list(batches(["a", "", " ", "b"])) == [[0, 3]]
