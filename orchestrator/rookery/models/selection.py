"""Which model answers: as ROOKERY_MODEL says, else by the keys that are set."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from rookery.models.providers import PROVIDERS
from rookery.settings import ANTHROPIC_MODEL, OPENAI_MODEL
from rookery_core.errors import ConfigurationError

if TYPE_CHECKING:
    from rookery.models.protocol import Model
    from rookery.settings import AgentSettings


def model_names(settings: AgentSettings) -> list[str]:
    """The models to try, first to last, as `provider:name`."""
    if settings.model:
        return [name.strip() for name in settings.model.split(",") if name.strip()]
    if settings.anthropic_api_key:
        return [f"anthropic:{ANTHROPIC_MODEL}"]
    if settings.openai_api_key:
        return [f"openai:{OPENAI_MODEL}"]
    return ["extractive"]


def choose_model(settings: AgentSettings) -> Model:
    """The model, or a chain of models of which the next answers when one cannot.

    Raises ConfigurationError for a provider that does not exist or has no key.
    """
    from rookery.models.resilience import Resilient

    models = [_model(name, settings) for name in model_names(settings)]
    if len(models) == 1 and models[0].extractive:
        return models[0]
    return Resilient(models, retries=settings.model_retries)


def _model(name: str, settings: AgentSettings) -> Model:
    provider, _, model = name.partition(":")
    if provider == "extractive":
        return _extractive()
    if provider == "anthropic":
        return _anthropic(model or ANTHROPIC_MODEL, settings)
    if provider in ("openai", "openai-responses"):
        return _openai(provider, model or OPENAI_MODEL, settings)
    raise ConfigurationError(
        f"ROOKERY_MODEL: there is no provider {provider!r}.",
        hint="Write it as provider:name, for instance anthropic:" + ANTHROPIC_MODEL + ".",
        candidates=PROVIDERS,
    )


def _extractive() -> Model:
    """GitHub is searched where it is set up: without a token it answers few questions, and slowly."""
    from rookery.models.extractive import Extractive
    from rookery.models.extractive.queries import SEARCHES

    github = os.environ.get("GITHUB_TOKEN") or os.environ.get("GH_TOKEN")
    return Extractive(SEARCHES if github else [name for name in SEARCHES if name != "search_issues"])


def _anthropic(model: str, settings: AgentSettings) -> Model:
    from rookery.models.anthropic_messages import AnthropicMessages

    if not settings.anthropic_api_key:
        raise ConfigurationError(f"The model {model} needs ANTHROPIC_API_KEY.")
    return AnthropicMessages(
        model,
        settings.anthropic_api_key.get_secret_value(),
        base_url=settings.anthropic_base_url,
        timeout_s=settings.model_timeout_s,
        context_tokens=settings.context_tokens,
    )


def _openai(provider: str, model: str, settings: AgentSettings) -> Model:
    from rookery.models.openai_chat import OpenAIChat
    from rookery.models.openai_responses import OpenAIResponses

    if not settings.openai_api_key and not settings.openai_base_url:
        raise ConfigurationError(
            f"The model {model} needs OPENAI_API_KEY, or OPENAI_BASE_URL of a server that needs no key."
        )
    kind = OpenAIResponses if provider == "openai-responses" else OpenAIChat
    return kind(
        model,
        settings.openai_api_key.get_secret_value() if settings.openai_api_key else "none",
        base_url=settings.openai_base_url,
        timeout_s=settings.model_timeout_s,
        context_tokens=settings.context_tokens,
    )
