"""The examples of docs/customising.md do what the page says."""

from __future__ import annotations

import json
import re
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from emulators.models.scripted import MakeAgent, ScriptedModel, use
from rookery.agent import ContextSection, Question
from rookery.agent.composition import agent_class_of
from rookery.settings import AgentSettings
from rookery.slack.settings import BotSettings
from rookery_core.identity import Caller
from rookery_core.mcp.configuration import parse_servers

PAGE = (Path(__file__).parents[2] / "docs" / "customising.md").read_text(encoding="utf-8")
pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="module")]


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


def example(name: str) -> Any:
    """What a block of Python on the page defines under this name."""
    (block,) = [block for block in blocks("python") if f"class {name}(" in block or f"def {name}(" in block]
    namespace: dict[str, Any] = {"__name__": "example"}
    exec(compile(block, f"customising.md: {name}", "exec"), namespace)
    return namespace[name]


async def test_context_of_ones_own(make_agent: MakeAgent) -> None:
    agent, model = make_agent("ok", agent_class=example("AcmeAgent"))
    await agent.answer(Question(text="x", sections=(ContextSection(title="Thread", text="hello"),)))
    assert "## On call\nPriya, until Monday 09:00 UTC" in model.asked
    assert "## Thread\n<untrusted " in model.asked
    assert "You are Acme helper" in model.requests[0].system


async def test_tools_and_models_by_who_asks(make_agent: MakeAgent) -> None:
    agent, model = make_agent("long", agent_class=example("CarefulAgent"))
    agent.cheap = ScriptedModel(["short"])  # type: ignore[attr-defined]
    assert (await agent.answer(Question(text="short?"))).markdown == "short"
    guest = Caller(user="U1", kind="guest", channel="C1")
    assert (await agent.answer(Question(text="long? " * 30, caller=guest))).markdown == "long"
    assert [tool.name for tool in model.requests[0].tools if tool.name.startswith("sample_")] == []


async def test_a_tool_of_ones_own(make_agent: MakeAgent) -> None:
    agent, model = make_agent([type(use("x"))("1", "next_high_water", {"harbour": "Dover"})], "ok")
    example("with_tides")(agent)
    await agent.answer(Question(text="x"))
    assert model.results == ['{"harbour": "Dover", "next_high_water": "14:10 UTC"}']


async def test_something_added_to_every_answer(make_agent: MakeAgent) -> None:
    agent, _ = make_agent("Perhaps.", agent_class=example("SigningAgent"))
    assert (await agent.answer(Question(text="x"))).markdown.endswith("*No source was found for this.*")


async def test_a_house_rule(make_agent: MakeAgent, tmp_path: Path) -> None:
    (tmp_path / "system_house.md").write_text(blocks("jinja")[0])
    agent, model = make_agent("ok", prompts_dir=tmp_path)
    await agent.answer(Question(text="x"))
    assert "Times in UTC." in model.requests[0].system


async def test_the_configuration_shown_is_accepted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    servers = parse_servers(json.loads(blocks("json")[0]), {"LINEAR_TOKEN": "t"})
    assert [server.prefix for server in servers] == ["slack", "docs", "lin"]
    text = blocks("toml")[0]
    path = tmp_path / "rookery.toml"
    path.write_text(text)
    settings = BotSettings.from_environment(config_file=path)
    assert settings.model == tomllib.loads(text)["agent"]["model"]
    (tmp_path / "acme_agent.py").write_text("\n".join(blocks("python")[:1]))
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    assert agent_class_of(settings).name == "Acme helper"


async def test_every_variable_of_the_page_exists() -> None:
    known = {str(field.validation_alias) for field in AgentSettings.model_fields.values()}
    known.add("ROOKERY_BOT_TOKEN")  # compose.yaml's
    assert set(re.findall(r"`((?:ROOKERY|ANTHROPIC|OPENAI)_[A-Z_]+)`", PAGE)) <= known
