"""Builds the server: the tools, their store, what happens at start and stop."""

from __future__ import annotations

from importlib.metadata import version

from rookery_core.database.lazy_database import LazyDatabase
from rookery_core.serving import (
    STDIO,
    BuiltServer,
    ServeArguments,
    ServerSpec,
    ToolSpec,
    choice_of,
    create_server,
    tool,
)
from rookery_slack.plausible_times import Clock, utc_now
from rookery_slack.settings import SlackSettings
from rookery_slack.store.session import Store
from rookery_slack.tools.activity import ActivityTools
from rookery_slack.tools.conversation import ConversationTools
from rookery_slack.tools.directory import DirectoryTools
from rookery_slack.tools.posts import PostingTools
from rookery_slack.tools.search import SearchTools
from rookery_slack.tools.status import StatusTools

NAME = "rookery-slack"
INSTRUCTIONS = """\
Search and read what was said in Slack. Begin with search_messages; read around a result with get_thread or \
get_conversation. Every message has a permalink: cite it. Only channels that the asker may see are searched; as_of says \
up to when messages are known. Channels and people can be given by name, id or link; dates as 2026-10-20, \
2026-10, yesterday, last week, 7d (ago) or ISO 8601 times. Next page: the same call with next_cursor as cursor."""


def tools(store: Store, settings: SlackSettings, clock: Clock = utc_now) -> list[ToolSpec]:
    """Every tool of the server."""
    directory = DirectoryTools(store, settings, clock)
    conversation = ConversationTools(store, settings, clock)
    search = SearchTools(store, settings, clock)
    activity = ActivityTools(store, settings, clock)
    posting = PostingTools(store, settings, clock)
    may_post = settings.slack_posting
    return [
        tool(search.search_messages),
        tool(conversation.get_conversation),
        tool(conversation.get_thread),
        tool(activity.get_user_activity),
        tool(activity.catch_up),
        tool(directory.list_channels),
        tool(directory.list_users),
        tool(directory.get_channel_members),
        tool(StatusTools(store, settings, clock).memory_status),
        tool(posting.post_message, read_only=False, idempotent=False, open_world=True, enabled=may_post),
        tool(posting.add_reaction, read_only=False, open_world=True, enabled=may_post),
    ]


def build_server(settings: SlackSettings, arguments: ServeArguments = STDIO) -> BuiltServer:
    """The server, not started yet, and how to tell whether its database is there."""
    gate = LazyDatabase(settings, role="rookery_slack", application_name=NAME)
    spec = ServerSpec(NAME, "Slack memory", INSTRUCTIONS, version(NAME))

    async def start() -> None:
        gate.start()

    async def ready() -> None:
        await gate.database()

    server = create_server(
        spec,
        tools(Store(gate, settings), settings),
        settings=settings,
        as_user=arguments.as_user,
        on_start=start,
        on_stop=gate.close,
        choice=choice_of(settings),
    )
    return BuiltServer(server, ready)
