"""Which releases a call means by its `source` and `version`."""

from __future__ import annotations

from collections.abc import Sequence

from rookery_core.errors import InvalidInput, NotFound
from rookery_core.suggestions import suggest
from rookery_docs.store.reader import ReleaseInfo

LATEST = "latest"
ALL = "all"


def selected(releases: Sequence[ReleaseInfo], source: str | None, version: str | None) -> list[ReleaseInfo]:
    """The releases meant. version: None or "latest" (the newest of each source), "all", or one by name.

    Raises NotFound with what there is.
    """
    if not releases:
        raise NotFound(
            "No documentation has been imported yet.",
            hint="The operator imports some with `rookery-ingest docs add NAME PATH` or `docs postgres VERSION`.",
        )
    named = [release for release in releases if source is None or release.source == source]
    if not named:
        raise NotFound(
            f"source: there is no {source!r}.",
            candidates=suggest(source or "", [release.source for release in releases], otherwise=True),
            hint="list_sources shows every source and version.",
        )
    if version == ALL:
        return named
    exact = [release for release in named if release.version == version]
    if exact:
        return exact
    if version in (None, LATEST):
        return [release for release in named if release.latest]
    raise NotFound(
        f"version: there is no {version!r} of {source or 'any source'}.",
        candidates=list(dict.fromkeys(release.version for release in named))[:12],
        hint="Leave version out for the newest.",
    )


def require_weight(weight: float | None, mode: str) -> None:
    """Refuse a semantic weight beside a mode that has none."""
    if weight is not None and mode != "hybrid":
        raise InvalidInput("semantic_weight: only goes with mode 'hybrid'.", hint="Leave one of the two out.")
