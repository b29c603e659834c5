"""What the webhook receiver reads from the environment."""

from __future__ import annotations

from pydantic import Field, SecretStr

from rookery_core.errors import ConfigurationError
from rookery_core.settings import CoreSettings


class WebhookSettings(CoreSettings):
    """Settings of `rookery-ingest github listen`."""

    webhook_secret: SecretStr | None = Field(default=None, validation_alias="ROOKERY_GITHUB_WEBHOOK_SECRET")
    """The secret that the webhook on GitHub signs with; two, separated by a comma, while it changes."""

    def secrets(self) -> tuple[bytes, ...]:
        """The secrets that sign deliveries: one, or the old and the new while they change (comma between).

        Raises ConfigurationError when there is none: unsigned deliveries are never accepted.
        """
        text = self.webhook_secret.get_secret_value() if self.webhook_secret else ""
        found = tuple(part.strip().encode() for part in text.split(",") if part.strip())
        if not found:
            raise ConfigurationError(
                "ROOKERY_GITHUB_WEBHOOK_SECRET is not set.",
                hint="Choose a long random secret and give the same to the webhook on GitHub.",
            )
        return found
