"""Builds the parts of a bot process, each with what it needs. Imported by app.py only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rookery.slack import actions
from rookery.slack.action_worker import ActionWorker, Confirmations
from rookery.slack.actions import Actions
from rookery.slack.answers.answerer import Answerer
from rookery.slack.answers.attachments import AttachmentReader
from rookery.slack.answers.conversation_memory import ConversationMemory
from rookery.slack.answers.delivery import AnswerDelivery
from rookery.slack.answers.failures import FailureReporter
from rookery.slack.answers.files import FileUploader
from rookery.slack.answers.question_builder import QuestionBuilder
from rookery.slack.answers.question_tools import QuestionTools
from rookery.slack.answers.questions import Addressing, QuestionLimits, QuestionStore
from rookery.slack.answers.thread import Backlog, ThreadReader
from rookery.slack.answers.turn import Turns
from rookery.slack.calendar import Calendar
from rookery.slack.dispatcher import Dispatcher
from rookery.slack.notifier import Notifier
from rookery.slack.people.control import Control
from rookery.slack.people.directory import Directory
from rookery.slack.people.feedback import FeedbackStore
from rookery.slack.people.reminders import Reminders
from rookery.slack.platform import Platform
from rookery.slack.receivers.assistant import AssistantPane
from rookery.slack.receivers.intake import SUBSCRIPTION, Intake
from rookery.slack.receivers.interactions import Interactions
from rookery.slack.receivers.offers import Offers
from rookery.slack.receivers.slash_commands import SlashCommands
from rookery.slack.rules.rulebook import RuleBook
from rookery.slack.rules.store import RuleStore
from rookery.slack.settings import BotSettings
from rookery.slack.stores import Stores
from rookery_core.errors import ConfigurationError
from rookery_slackapi.errors import SlackLockedOut, SlackRefused
from rookery_slackapi.web import SlackApi

if TYPE_CHECKING:
    from rookery.agent import Agent
    from rookery_core.database import Database
    from rookery_core.queue import Queue


@dataclass(frozen=True, slots=True)
class Bot:
    """What the process runs: two queue handlers, and what its receiver delivers to."""

    platform: Platform
    dispatcher: Dispatcher
    action_worker: ActionWorker
    intake: Intake
    interactions: Interactions

    def handlers(self) -> dict[str, Dispatcher | ActionWorker]:
        """The handlers by subscription."""
        return {SUBSCRIPTION: self.dispatcher, actions.SUBSCRIPTION: self.action_worker}


async def compose_bot(
    settings: BotSettings, api: SlackApi, database: Database, queue: Queue, agent: Agent
) -> Bot:
    """Build the parts. Asks Slack who the bot is; raises ConfigurationError when the token is not accepted."""
    platform = await _open_platform(api)
    stores = Stores(
        questions=QuestionStore(database, settings.team),
        control=Control(database, settings.team, settings.admins),
        feedback=FeedbackStore(database, settings.team),
        rules=RuleStore(database, settings.team),
    )
    published = Actions(queue)
    notifier = Notifier(api, queue.effects)
    memory = ConversationMemory(
        agent, queue.effects, published, stores.questions, platform.identity, enabled=settings.memory
    )
    reminders = Reminders(platform.identity, stores, published, notifier, settings.feedback_reminder_hour)
    tools = QuestionTools(platform, stores, agent, _calendar(settings), rules=settings.rules)
    assistant = AssistantPane(notifier, queue.effects, platform.identity.user)
    answerer = _compose_answerer(
        settings, platform, stores, queue, agent, notifier, memory, reminders, assistant, tools
    )
    rules = RuleBook(settings, platform, stores, agent, database, published, notifier)
    offers = Offers(settings, platform, stores, database, published)
    addressing = Addressing(stores.questions, settings)
    return Bot(
        platform=platform,
        dispatcher=Dispatcher(
            platform.identity.user,
            stores,
            addressing,
            answerer,
            offers,
            rules,
            assistant,
            follow_edits=settings.follow_edits,
        ),
        action_worker=ActionWorker(
            platform,
            answerer,
            rules,
            reminders,
            memory,
            Confirmations(platform, agent, tools, notifier, settings.team),
        ),
        intake=Intake(database, queue, stores.questions, addressing, platform.identity),
        interactions=Interactions(
            settings,
            platform,
            stores,
            published,
            offers,
            SlashCommands(api, stores, queue),
            notifier,
            agent.recorder,
        ),
    )


async def _open_platform(api: SlackApi) -> Platform:
    directory = Directory(api)
    try:
        identity = await directory.read_identity()
    except (SlackLockedOut, SlackRefused) as refused:
        raise ConfigurationError(
            f"Slack does not accept SLACK_BOT_TOKEN: {refused.reason}.",
            hint="Copy it from your Slack app, page OAuth & Permissions; install the app again if it was removed.",
        ) from None
    return Platform(api, directory, identity)


def _calendar(settings: BotSettings) -> Calendar | None:
    return Calendar(settings.calendar_url.get_secret_value()) if settings.calendar_url else None


def _compose_answerer(
    settings: BotSettings,
    platform: Platform,
    stores: Stores,
    queue: Queue,
    agent: Agent,
    notifier: Notifier,
    memory: ConversationMemory,
    reminders: Reminders,
    assistant: AssistantPane,
    tools: QuestionTools,
) -> Answerer:
    threads = ThreadReader(
        platform.api, platform.directory, messages=settings.thread_messages, tokens=settings.thread_tokens
    )
    builder = QuestionBuilder(
        platform, threads, AttachmentReader(platform.api, settings), memory, settings.team
    )
    return Answerer(
        settings,
        platform,
        queue.effects,
        stores.questions,
        Turns(platform, stores, threads, follow_edits=settings.follow_edits),
        Backlog(stores.questions, platform.identity.user),
        QuestionLimits(stores.questions, settings),
        AnswerDelivery(
            agent,
            stores.questions,
            builder,
            tools,
            FileUploader(platform.api, queue.effects),
            memory,
            reminders,
            assistant,
            follow_edits=settings.follow_edits,
        ),
        FailureReporter(
            notifier, stores.questions, platform.identity.user, max_attempts=settings.max_attempts
        ),
    )
