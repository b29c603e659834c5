"""Slack as the parts of the bot see it."""

from __future__ import annotations

from dataclasses import dataclass

from rookery.slack.people.directory import Directory, Identity
from rookery_slackapi.web import SlackApi


@dataclass(frozen=True, slots=True)
class Platform:
    """The Web API, the directory of people and conversations, and the bot's identity, read at the start."""

    api: SlackApi
    directory: Directory
    identity: Identity
