"""The bot's tables."""

from __future__ import annotations

from dataclasses import dataclass

from rookery.slack.answers.questions import QuestionStore
from rookery.slack.people.control import Control
from rookery.slack.people.feedback import FeedbackStore
from rookery.slack.rules.store import RuleStore


@dataclass(frozen=True, slots=True)
class Stores:
    """Questions, admins and ignored people, feedback, standing rules: each store owns its statements."""

    questions: QuestionStore
    control: Control
    feedback: FeedbackStore
    rules: RuleStore
