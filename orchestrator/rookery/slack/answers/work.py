"""What belongs to the answering of one question, this time."""

from __future__ import annotations

from dataclasses import dataclass

from rookery.slack.answers.questions import Known
from rookery.slack.answers.reply import Reply
from rookery.slack.answers.status import Status
from rookery.slack.answers.writer import ReplyWriter
from rookery.slack.events import Written
from rookery.slack.people.directory import Person, Room


@dataclass(slots=True)
class Work:
    """The question, what is known of it and its asker, and the ways to write about it."""

    question: Written
    known: Known
    asker: Person
    room: Room
    reply: Reply
    writer: ReplyWriter
    status: Status
