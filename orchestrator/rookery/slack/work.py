"""What belongs to the answering of one question, this time."""

from __future__ import annotations

from dataclasses import dataclass

from rookery.slack.directory import Person, Room
from rookery.slack.incoming import Written
from rookery.slack.questions import Known
from rookery.slack.reply import Reply
from rookery.slack.status import Status
from rookery.slack.writer import ReplyWriter


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
