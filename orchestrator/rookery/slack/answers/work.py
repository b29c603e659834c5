"""What belongs to the answering of one question, this time."""

from __future__ import annotations

from dataclasses import dataclass

from rookery.slack.answers.questions import StoredQuestion
from rookery.slack.answers.reply import Reply
from rookery.slack.answers.status import StatusLine
from rookery.slack.answers.writer import ReplyWriter
from rookery.slack.event_types import IncomingMessage
from rookery.slack.people.directory import Room, SlackUser


@dataclass(slots=True)
class Work:
    """The question, what is known of it and its asker, and the ways to write about it."""

    question: IncomingMessage
    known: StoredQuestion
    asker: SlackUser
    room: Room
    reply: Reply
    writer: ReplyWriter
    status: StatusLine
