"""An emulator of Slack: Web API, Socket Mode, Events API, files, on a loopback port, with the real shapes."""

from emulators.slack.models import ALL_SCOPES, App, Channel, Message, StoredFile, User
from emulators.slack.server import SlackEmulator
from emulators.slack.state import TEAM_ID, Workspace

__all__ = [
    "ALL_SCOPES",
    "TEAM_ID",
    "App",
    "Channel",
    "Message",
    "SlackEmulator",
    "StoredFile",
    "User",
    "Workspace",
]
