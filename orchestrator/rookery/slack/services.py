"""Everything the bot's parts share, put together in one place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rookery.slack.api import SlackApi
from rookery.slack.asking import QuestionBuilder
from rookery.slack.attachments import FileReader
from rookery.slack.confirmations import Confirmations
from rookery.slack.control import Control
from rookery.slack.directory import Directory, Identity
from rookery.slack.feedback import FeedbackStore
from rookery.slack.intake import Addressing, Intake
from rookery.slack.limits import AskingLimits
from rookery.slack.questions import QuestionStore
from rookery.slack.settings import SlackSettings
from rookery.slack.thread import ThreadReader

if TYPE_CHECKING:
    from rookery.agent import Agent
    from rookery.agent.local_tools import LocalTool
    from rookery.slack.answering import Work
    from rookery_core.database import Database
    from rookery_core.queue import Queue


@dataclass(slots=True)
class Services:
    """The parts of one bot process. `identity` is the bot's own, as Slack told it at the start."""

    settings: SlackSettings
    api: SlackApi
    database: Database
    queue: Queue
    agent: Agent
    identity: Identity
    directory: Directory
    questions: QuestionStore
    control: Control
    limits: AskingLimits
    threads: ThreadReader
    builder: QuestionBuilder
    confirmations: Confirmations
    feedback: FeedbackStore
    addressing: Addressing
    intake: Intake

    def tools_for(self, work: Work) -> Sequence[LocalTool]:
        """The bot's own tools for one question."""
        return ()


async def assemble(
    settings: SlackSettings, api: SlackApi, database: Database, queue: Queue, agent: Agent
) -> Services:
    """Put the parts together. Asks Slack who the bot is; raises SlackRefused when the token is not good."""
    directory = Directory(api)
    identity = await directory.identity()
    questions = QuestionStore(database, settings.team)
    threads = ThreadReader(api, directory, messages=settings.thread_messages, tokens=settings.thread_tokens)
    addressing = Addressing(questions, settings)
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
        limits=AskingLimits(questions, settings),
        threads=threads,
        builder=QuestionBuilder(directory, threads, FileReader(api, settings), settings.team),
        confirmations=Confirmations(database, settings.team),
        feedback=FeedbackStore(database, settings.team),
        addressing=addressing,
        intake=Intake(database, queue, questions, addressing, identity),
    )
