"""`rookery init`: each token is checked with the emulated service that it is for, while the person is asked."""

from __future__ import annotations

from pathlib import Path

import pytest

from emulators.models import ModelEmulator
from emulators.slack import SlackEmulator
from emulators.slack.sample import furnish
from rookery.setup.files import names_in, write_env
from rookery.setup.wizard import ask_everything


class Scripted:
    """A person with answers by question; the last answer of a question is given again."""

    def __init__(self, **answers: list[str]) -> None:
        self.answers = answers
        self.told: list[str] = []
        self.asked: list[str] = []

    def ask(self, text: str, *, secret: bool = False) -> str:
        self.asked.append(text)
        waiting = self.answers.get(text.split()[0], [])
        return waiting.pop(0) if waiting else ""

    def tell(self, text: str) -> None:
        self.told.append(text)


async def test_right_tokens_are_greeted_and_wrong_ones_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    async with SlackEmulator() as slack, ModelEmulator() as models:
        monkeypatch.setenv("ROOKERY_SLACK_API_URL", slack.api_url)
        monkeypatch.setenv("ANTHROPIC_BASE_URL", models.url)
        app, cast = slack.state.app, furnish(slack.state)
        person = Scripted(
            ANTHROPIC_API_KEY=["sk-ant"],
            SLACK_BOT_TOKEN=["xoxp-user", "xoxb-wrong", app.bot_token],
            SLACK_APP_TOKEN=["xapp-wrong", app.app_token],
            ROOKERY_SLACK_ADMINS=["ada", "U404", f"{cast.ada.id}, {cast.grace.id}"],
        )
        values = await ask_everything(person)
    assert values == {
        "ANTHROPIC_API_KEY": "sk-ant",
        "SLACK_BOT_TOKEN": app.bot_token,
        "SLACK_APP_TOKEN": app.app_token,
        "ROOKERY_SLACK_ADMINS": f"{cast.ada.id}, {cast.grace.id}",
    }
    told = "\n".join(person.told)
    assert "A bot token begins with xoxb-." in told
    assert "Slack refuses the token: invalid_auth." in told
    assert "Socket Mode may be used" in told
    assert "'ada' is no member id." in told
    assert "Slack does not know U404: user_not_found." in told
    assert "ok: Ada Lovelace, Grace Hopper" in told
    assert not any(token in told for token in values.values())


async def test_a_service_that_is_away_is_named_and_the_token_kept_on_request(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ROOKERY_SLACK_API_URL", "http://127.0.0.1:9/api/")
    person = Scripted(SLACK_BOT_TOKEN=["xoxb-1"], Keep=["y"])
    assert await ask_everything(person) == {"SLACK_BOT_TOKEN": "xoxb-1"}
    assert any("Slack is not reachable" in line for line in person.told)


async def test_what_is_set_already_is_told_and_kept(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    path.write_text("# mine\nexport ANTHROPIC_API_KEY=sk\nGITHUB_TOKEN=\nSLACK_BOT_TOKEN='xoxb-1'\n")
    known = names_in(path)
    assert known == ["ANTHROPIC_API_KEY", "SLACK_BOT_TOKEN"]
    person = Scripted()
    values = await ask_everything(person, known)
    assert values == {}
    assert any("ANTHROPIC_API_KEY, SLACK_BOT_TOKEN" in line for line in person.told)
    assert "SLACK_APP_TOKEN" in person.asked  # the bot's token is there: its fellow is asked for
    assert not any(question.startswith("OPENAI") for question in person.asked)
    write_env(path, values)
    assert names_in(path) == known
