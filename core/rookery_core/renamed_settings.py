"""Variables of earlier versions. Each still works for one release, with a warning that names its new place."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

_TOOLS = "ROOKERY_TOOLS or --tools"
_EXCLUDE = "ROOKERY_EXCLUDE or --exclude"


@dataclass(frozen=True, slots=True)
class RenamedSetting:
    """Where the value of an old variable goes.

    section: only settings that read this section of rookery.toml take it; empty: all that have the field. place: what
    to use instead; empty: the field in rookery.toml. prefix: put before each of the listed names.
    """

    section: str
    field: str
    place: str = ""
    prefix: str = ""

    @property
    def replacement(self) -> str:
        """What to use instead, for people."""
        return self.place or f"{self.field} in section [{self.section}] of rookery.toml"


def _moved(section: str, prefix: str, names: str) -> dict[str, RenamedSetting]:
    """Variables that became keys of rookery.toml and are spelled as their fields."""
    return {f"{prefix}{name.upper()}": RenamedSetting(section, name) for name in names.split()}


RENAMED: Mapping[str, RenamedSetting] = {
    **_moved(
        "agent",
        "ROOKERY_",
        "model_timeout_s model_retries max_output_tokens context_tokens answer_timeout_s tool_timeout_s"
        " tool_output_tokens parallel_tools subagents max_model_requests max_run_tokens extract_facts",
    ),
    **_moved(
        "slack",
        "ROOKERY_SLACK_",
        "max_attempts retry_base_s lease_s stream_interval_s limit_window_s thread_messages thread_tokens"
        " file_bytes files_per_question file_tokens rule_hourly_limit",
    ),
    "ROOKERY_SLACK_PATIENCE_S": RenamedSetting(
        "", "slack_patience_s", "slack_patience_s in section [slack] (the bot) or [ingest] of rookery.toml"
    ),
    "ROOKERY_SLACK_RAW_EVENT_DAYS": RenamedSetting("ingest", "raw_event_days"),
    "ROOKERY_SLACK_BACKFILL_DAYS": RenamedSetting("ingest", "backfill_days"),
    **_moved("github", "ROOKERY_GITHUB_", "cache_mb stale_s timeout_s max_wait_s write_spacing_s"),
    "ROOKERY_GITHUB_CONCURRENCY": RenamedSetting("github", "max_concurrent"),
    "ROOKERY_DOCS_SEMANTIC_WEIGHT": RenamedSetting("docs", "semantic_weight"),
    "ROOKERY_DOCS_GUIDES_REFRESH_S": RenamedSetting("docs", "guides_refresh_s"),
    "ROOKERY_SLACK_TOOLS": RenamedSetting("slack-server", "tools", _TOOLS),
    "ROOKERY_SLACK_EXCLUDE_TOOLS": RenamedSetting("slack-server", "exclude", _EXCLUDE),
    "ROOKERY_DOCS_TOOLS": RenamedSetting("docs", "tools", _TOOLS),
    "ROOKERY_DOCS_EXCLUDE_TOOLS": RenamedSetting("docs", "exclude", _EXCLUDE),
    "ROOKERY_DOCS_EXCLUDE_PROMPTS": RenamedSetting(
        "docs", "exclude", f"{_EXCLUDE} (prompts:NAME)", "prompts:"
    ),
    "ROOKERY_GITHUB_TOOLS": RenamedSetting("github", "tools", _TOOLS),
    "ROOKERY_GITHUB_EXCLUDE_TOOLS": RenamedSetting("github", "exclude", _EXCLUDE),
    "ROOKERY_MEMORY_TOOLS": RenamedSetting("memory", "tools", _TOOLS),
    "ROOKERY_MEMORY_EXCLUDE_TOOLS": RenamedSetting("memory", "exclude", _EXCLUDE),
    "ROOKERY_MEMORY_EXCLUDE_RESOURCES": RenamedSetting(
        "memory", "exclude", f"{_EXCLUDE} (resources:NAME)", "resources:"
    ),
}


def renamed_values(
    sections: Collection[str], fields: Collection[str], environment: Mapping[str, str]
) -> tuple[dict[str, Any], list[str]]:
    """The values of old variables by field, for settings with these sections and fields; and a warning for each."""
    values: dict[str, Any] = {}
    warnings: list[str] = []
    for variable, renamed in RENAMED.items():
        value = environment.get(variable)
        applies = not renamed.section or renamed.section in sections
        if not value or not applies or renamed.field not in fields:
            continue
        if renamed.field in ("tools", "exclude"):
            names = (renamed.prefix + name for name in value.replace(",", " ").split())
            values[renamed.field] = (*values.get(renamed.field, ()), *names)
        else:
            values[renamed.field] = value
        warnings.append(f"{variable} is deprecated; use {renamed.replacement}.")
    return values, warnings
