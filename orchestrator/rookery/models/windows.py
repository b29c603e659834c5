"""How much text models take, as far as it is known from their names."""

from __future__ import annotations

_WINDOWS = (
    ("claude", 200_000),
    ("gpt-6", 400_000),
    ("gpt-5", 400_000),
    ("gpt-4.1", 1_000_000),
    ("gpt-4o", 128_000),
)
UNKNOWN = 32_000
"""The window assumed for a model that is not listed; context_tokens in rookery.toml overrides it."""


def window_of(model: str) -> int:
    """The window in tokens."""
    return next((tokens for prefix, tokens in _WINDOWS if model.startswith(prefix)), UNKNOWN)
