"""What the docs server reads from the environment besides what every part shares."""

from __future__ import annotations

import os
from pathlib import Path
from typing import ClassVar

from pydantic import Field, SecretStr

from rookery_core.settings import CoreSettings, Names
from rookery_docs.guide_repositories import GuideCopy, GuideRepository


class DocsSettings(CoreSettings):
    """Settings of rookery-docs."""

    section: ClassVar[str] = "docs"

    semantic_weight: float | None = Field(default=None, ge=0, le=1)
    """The part of meaning in a hybrid score; unset: 0.2 with the local embedder, 0.5 with another."""
    docs_guides: str | None = Field(default=None, validation_alias="ROOKERY_DOCS_GUIDES")
    """Folders of further guides, separated like PATH: Markdown files, or folders with a SKILL.md."""
    docs_guide_repositories: Names = Field(default=(), validation_alias="ROOKERY_DOCS_GUIDE_REPOSITORIES")
    """Git repositories of further guides: owner/name[/path][@ref] on GitHub, or an https or ssh URL[//path][@ref]."""
    guides_refresh_s: float = Field(default=3600.0, ge=0)
    """Seconds after which a repository of guides is asked for news; 0 asks only for the first copy."""

    docs_rerank_url: str | None = Field(default=None, validation_alias="ROOKERY_DOCS_RERANK_URL")
    """A rerank endpoint that orders the best pages anew; unset: none."""
    docs_rerank_model: str | None = Field(default=None, validation_alias="ROOKERY_DOCS_RERANK_MODEL")
    """The model that endpoint is asked for."""
    docs_rerank_key: SecretStr | None = Field(default=None, validation_alias="ROOKERY_DOCS_RERANK_KEY")
    """The key of that endpoint."""

    @property
    def guide_folders(self) -> list[Path]:
        """The folders of `docs_guides`."""
        return [
            Path(part).expanduser() for part in (self.docs_guides or "").split(os.pathsep) if part.strip()
        ]

    @property
    def guide_copies(self) -> list[GuideCopy]:
        """The copies of `docs_guide_repositories`. Raises ConfigurationError."""
        return [
            GuideCopy(GuideRepository.parse(text), self.data_dir / "docs-guides")
            for text in self.docs_guide_repositories
        ]
