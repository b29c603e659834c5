"""What the docs server reads from the environment besides what every part shares."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from rookery_core.settings import CoreSettings


class DocsSettings(CoreSettings):
    """Settings of rookery-docs."""

    docs_semantic_weight: float | None = Field(
        default=None, ge=0, le=1, validation_alias="ROOKERY_DOCS_SEMANTIC_WEIGHT"
    )
    """The part of meaning in a hybrid score; unset: 0.2 with the local embedder, 0.5 with another."""
    docs_guides: Path | None = Field(default=None, validation_alias="ROOKERY_DOCS_GUIDES")
    """A folder of further guides, Markdown files or folders with a SKILL.md."""
