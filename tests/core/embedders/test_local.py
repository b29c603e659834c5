from __future__ import annotations

import logging
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import SecretStr

from rookery_core.embedders import create_embedder
from rookery_core.embedders.local import LocalEmbedder
from rookery_core.embedders.pooling import token_weights
from rookery_core.errors import ConfigurationError
from rookery_core.settings import CoreSettings


@pytest.fixture(scope="module")
def local() -> LocalEmbedder:
    return LocalEmbedder()


async def test_meaning_decides_not_words(local: LocalEmbedder) -> None:
    vectors = await local.embed(
        ["The dog barked at the postman", "A puppy yaps", "Interest rates rose again"]
    )
    assert vectors[0] @ vectors[1] > vectors[0] @ vectors[2] + 0.1


async def test_function_words_hardly_count(local: LocalEmbedder) -> None:
    plain, padded = await local.embed(["harbour crane", "what is it that the harbour crane was for"])
    assert plain @ padded > 0.9


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.text(st.characters(), max_size=200), max_size=5))
def test_any_text_has_a_vector_of_length_one_or_none(local: LocalEmbedder, texts: list[str]) -> None:
    import asyncio

    vectors = asyncio.run(local.embed(texts))
    assert vectors.shape == (len(texts), 256)
    lengths = np.linalg.norm(vectors, axis=1)
    assert all(abs(length - 1) < 1e-4 or length == 0 for length in lengths)


async def test_a_text_has_the_same_vector_alone_and_among_others(local: LocalEmbedder) -> None:
    texts = [f"sentence number {number} about boats" for number in range(300)]
    together = await local.embed(texts)
    alone = await local.embed([texts[270]])
    assert np.allclose(together[270], alone[0], atol=1e-6)


def test_weights_of_pieces() -> None:
    start, rest, function, comma, byte = token_weights(["▁harbour", "ing", "▁the", ",", "<0x0A>"])
    assert start > rest > comma >= byte
    assert function < comma


def test_the_model_loads_without_touching_logging_or_the_network() -> None:
    program = (
        "import asyncio, logging, sys\n"
        "from rookery_core.embedders.local import LocalEmbedder\n"
        "asyncio.run(LocalEmbedder().embed(['x']))\n"
        "assert not logging.getLogger().handlers\n"
        "assert not {'wordllama', 'requests'} & set(sys.modules)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], check=False, capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_settings_choose_the_embedder() -> None:
    key = SecretStr("sk-x")
    assert create_embedder(CoreSettings(embedder="none")) is None
    automatic = create_embedder(CoreSettings())
    assert automatic is not None
    assert automatic.weak
    unasked = create_embedder(CoreSettings(openai_api_key=key))  # a key for the agent's model sends no text
    assert unasked is not None and unasked.weak
    named = create_embedder(CoreSettings(embedding_base_url="http://127.0.0.1:9/v1"))
    assert named is not None and not named.weak
    remote = create_embedder(CoreSettings(openai_api_key=key, embedder="openai"))
    assert remote is not None
    assert (remote.model, remote.dimensions, remote.weak) == ("text-embedding-3-small", 1536, False)
    kept = create_embedder(CoreSettings(openai_api_key=key, embedder="wordllama"))
    assert kept is not None
    assert kept.weak
    with pytest.raises(ConfigurationError, match="no key"):
        create_embedder(CoreSettings(embedder="openai"))
    assert logging.getLogger().level == logging.WARNING
