"""The providers that ROOKERY_MODEL may name."""

PROVIDERS = ("anthropic", "openai", "openai-responses", "extractive")
