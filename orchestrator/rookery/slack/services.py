"""Everything the bot's parts share, put together in one place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rookery.slack.actions import Actions
from rookery.slack.answers.attachments import AttachmentReader
from rookery.slack.answers.backlog import Backlog
from rookery.slack.answers.conversation_memory import ConversationMemory
from rookery.slack.answers.files import PendingFiles
from rookery.slack.answers.limits import QuestionLimits
from rookery.slack.answers.question_builder import QuestionBuilder
from rookery.slack.answers.question_tools import QuestionTools
from rookery.slack.answers.questions import QuestionStore
from rookery.slack.answers.thread import ThreadReader
from rookery.slack.calendar import Calendar
from rookery.slack.people.control import Control
from rookery.slack.people.directory import Directory, Identity
from rookery.slack.people.feedback import FeedbackStore
from rookery.slack.receivers.intake import Addressing, Intake
from rookery.slack.rules.store import RuleStore
from rookery.slack.settings import BotSettings
from rookery_core.errors import ConfigurationError
from rookery_slackapi.errors import SlackLockedOut, SlackRefused
from rookery_slackapi.web import SlackApi

if TYPE_CHECKING:
    from rookery.agent import Agent
    from rookery.agent.local_tools import LocalTool
    from rookery.slack.event_types import IncomingMessage
    from rookery.slack.people.directory import SlackUser
    from rookery_core.database import Database
    from rookery_core.queue import Queue


@dataclass(slots=True)
class Services:
    """The parts of one bot process. `identity` is the bot's own, as Slack told it at the start."""

    settings: BotSettings
    api: SlackApi
    database: Database
    queue: Queue
    agent: Agent
    identity: Identity
    directory: Directory
    questions: QuestionStore
    control: Control
    limits: QuestionLimits
    threads: ThreadReader
    builder: QuestionBuilder
    feedback: FeedbackStore
    addressing: Addressing
    intake: Intake
    backlog: Backlog
    actions: Actions
    memory: ConversationMemory
    rules: RuleStore
    calendar: Calendar | None

    def question_tools(
        self, question: IncomingMessage, asker: SlackUser, outbox: PendingFiles | None = None
    ) -> list[LocalTool]:
        """The bot's own tools for one question."""
        tools = QuestionTools(self, question, asker, outbox).all()
        return [*tools, self.calendar.tool()] if self.calendar else tools


async def assemble(
    settings: BotSettings, api: SlackApi, database: Database, queue: Queue, agent: Agent
) -> Services:
    """Put the parts together. Asks Slack who the bot is; raises ConfigurationError when the token is not good."""
    directory = Directory(api)
    try:
        identity = await directory.identity()
    except (SlackLockedOut, SlackRefused) as refused:
        raise ConfigurationError(
            f"Slack does not accept SLACK_BOT_TOKEN: {refused.reason}.",
            hint="Copy it from your Slack app, page OAuth & Permissions; install the app again if it was removed.",
        ) from None
    questions = QuestionStore(database, settings.team)
    threads = ThreadReader(api, directory, messages=settings.thread_messages, tokens=settings.thread_tokens)
    addressing = Addressing(questions, settings)
    actions = Actions(queue)
    memory = ConversationMemory(agent, queue.effects, actions, questions, identity, enabled=settings.memory)
    return Services(
        settings=settings,
        api=api,
        database=database,
        queue=queue,
        agent=agent,
        identity=identity,
        directory=directory,
        questions=questions,
        control=Control(database, settings.team, settings.admins),
        limits=QuestionLimits(questions, settings),
        threads=threads,
        builder=QuestionBuilder(directory, threads, AttachmentReader(api, settings), memory, settings.team),
        feedback=FeedbackStore(database, settings.team),
        addressing=addressing,
        intake=Intake(database, queue, questions, addressing, identity),
        backlog=Backlog(questions, identity.user),
        actions=actions,
        memory=memory,
        rules=RuleStore(database, settings.team),
        calendar=Calendar(settings.calendar_url.get_secret_value()) if settings.calendar_url else None,
    )
