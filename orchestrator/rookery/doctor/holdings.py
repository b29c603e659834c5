"""What the stores hold: the first thing to know when an answer says that there is nothing."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from rookery.doctor.findings import Finding
from rookery_core.errors import RookeryError

if TYPE_CHECKING:
    from rookery_core.database.holdings import Holding, Holdings
    from rookery_core.settings import CoreSettings

FILL = (
    "`rookery-ingest slack import export.zip` and `rookery-ingest docs add NAME FOLDER` import your data; "
    "`rookery demo` shows a sample."
)


async def check_holdings(settings: CoreSettings) -> list[Finding]:
    """What is held, which embedder searches it, and what has no vector of that embedder."""
    from rookery_core.database.holdings import read_holdings
    from rookery_core.embedders.creation import create_embedder

    try:
        held = await read_holdings(settings)
        embedder = create_embedder(settings)
    except RookeryError as error:
        return [Finding("data", "warn", error.message.rstrip("."), error.remedy or "")]
    findings = [_summary(held, settings)]
    if embedder is None:
        return [*findings, Finding("embedder", "ok", "none: search is by words alone")]
    model = embedder.model
    findings.append(Finding("embedder", "ok", f"{model}, {_place(settings)}"))
    return [*findings, *(finding for holding in held.held for finding in _vectors(holding, model))]


def data_folder_text(settings: CoreSettings) -> str:
    """Which database the settings name, without its login and password."""
    if settings.database_url is None:
        return f"embedded in {settings.data_dir.expanduser().absolute()}"
    from urllib.parse import urlsplit

    address = urlsplit(settings.database_url.get_secret_value())
    host = address.netloc.rpartition("@")[2] or "a local socket"
    return f"DATABASE_URL, {address.path.lstrip('/') or 'default database'} at {host}"


def _summary(held: Holdings, settings: CoreSettings) -> Finding:
    text = f"{held.text()} ({data_folder_text(settings)})"
    if not held.is_empty:
        return Finding("data", "ok", text)
    return Finding("data", "warn", f"the store is empty: {text}", empty_store_remedy(settings))


def empty_store_remedy(settings: CoreSettings) -> str:
    """How a store is filled; where `rookery demo` ran in this folder, also how its data is used."""
    folder = (Path(".rookery") / "demo").absolute()
    if (
        settings.database_url is not None
        or not (folder / "mcp.json").is_file()
        or folder == settings.data_dir
    ):
        return FILL
    return f"Set ROOKERY_DATA_DIR={folder} to use the demo's data. {FILL}"


def _place(settings: CoreSettings) -> str:
    if settings.embedder == "openai" or (settings.embedder == "auto" and settings.embedding_base_url):
        return "texts are sent to its endpoint"
    return "computed on this machine"


def _vectors(holding: Holding, model: str) -> list[Finding]:
    findings: list[Finding] = []
    if holding.without_vector:
        remedy = "Run `rookery-ingest worker`, or import again: both compute what is missing."
        text = f"{holding.without_vector:,} of the {holding.name} have no vector: found by their words alone"
        findings.append(Finding("vectors", "warn", text, remedy))
    if foreign := [name for name in holding.models if name != model]:
        remedy = "Set ROOKERY_EMBEDDER and ROOKERY_EMBEDDING_MODEL as they were when these were stored."
        text = f"vectors of {holding.name} are of {', '.join(foreign)}, not of {model}: found by their words alone"
        findings.append(Finding("vectors", "warn", text, remedy))
    return findings
