"""The blocks of an answer: its text, its sources, the buttons below it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from rookery.agent.question import Citation
from rookery.slack.text.markup import escape, link
from rookery.slack.text.split import split
from rookery.traces.records import PendingAction

Json = dict[str, Any]

FEEDBACK_UP = "rookery_feedback_up"
FEEDBACK_DOWN = "rookery_feedback_down"
FEEDBACK_TEXT = "rookery_feedback_text"
CONFIRM = "rookery_confirm"
DECLINE = "rookery_decline"
OFFER_YES = "rookery_offer_yes"
OFFER_NO = "rookery_offer_no"
OFFER_TEXT = "I may be able to answer this. Shall I answer in the thread?"
_RATINGS = ("1: not helpful", "2: slightly helpful", "3: somewhat helpful", "4: helpful", "5: very helpful")
MAX_SOURCES = 20
_MAX_CONTEXT = 2_900


def body(markdown: str) -> Json:
    """The text of an answer; Slack refuses an empty text."""
    return {"type": "markdown", "text": markdown or " "}


def sections(mrkdwn: str) -> list[Json]:
    """Text in Slack's own markup, for places without markdown."""
    return [
        {"type": "section", "text": {"type": "mrkdwn", "text": piece}}
        for piece in split(mrkdwn, _MAX_CONTEXT)
    ]


def sources(citations: Sequence[Citation]) -> list[Json]:
    """The sources as numbered links, as many as fit, with the number of the others."""
    if not citations:
        return []
    lines = [f"{c.number}. {_source(c)}" for c in citations[:MAX_SOURCES]]
    text, left = "*Sources*", len(citations)
    for line in lines:
        if len(text) + len(line) > _MAX_CONTEXT - 40:
            break
        text += "\n" + line
        left -= 1
    if left:
        text += f"\n… and {left} more"
    return [{"type": "context", "elements": [{"type": "mrkdwn", "text": text}]}]


def _source(citation: Citation) -> str:
    """A source as a link; its title when it has no URL that Slack can open, such as a memory."""
    title = _short(citation.title or citation.permalink)
    if citation.permalink.startswith(("https://", "http://")):
        return link(citation.permalink, title)
    return f"{escape(' '.join(title.split()))} ({escape(citation.server)})"


def remarks(lines: Sequence[str]) -> list[Json]:
    """Remarks below an answer: that it is extractive, that a server was down."""
    text = _escaped("\n".join(line for line in lines if line), _MAX_CONTEXT)
    return [{"type": "context", "elements": [{"type": "mrkdwn", "text": text}]}] if text else []


def feedback(reference: str) -> Json:
    """The buttons below every answer. reference: the question's key, with which a click finds its trace."""
    return {
        "type": "actions",
        "block_id": "rookery_feedback",
        "elements": [
            _button("👍", FEEDBACK_UP, reference, label="Helpful"),
            _button("👎", FEEDBACK_DOWN, reference, label="Not helpful"),
            _button("Comment", FEEDBACK_TEXT, reference),
        ],
    }


def confirmation(action: PendingAction) -> list[Json]:
    """A call that waits for the asker's confirmation, shown as it will be made."""
    text = f"*Shall I do this?* {_escaped(action.describe(), 2000)}\n{_escaped(action.reason, 800)}"
    return [
        {"type": "section", "text": {"type": "mrkdwn", "text": text}},
        {
            "type": "actions",
            "elements": [
                {**_button("Do it", CONFIRM, action.id), "style": "primary"},
                _button("Leave it", DECLINE, action.id),
            ],
        },
    ]


def show_here(reference: str) -> list[Json]:
    """The question to the asker alone whether others may read what stands above."""
    text = "*Only you see this.* This channel may not see all of it. Show it here, word for word?"
    return [
        {"type": "section", "text": {"type": "mrkdwn", "text": text}},
        {
            "type": "actions",
            "elements": [
                {**_button("Show it here", CONFIRM, reference), "style": "primary"},
                _button("Keep it to me", DECLINE, reference),
            ],
        },
    ]


def offer(reference: str) -> list[Json]:
    """The offer to answer an open question."""
    return [
        {
            "type": "section",
            "text": {
                "type": "mrkdwn",
                "text": OFFER_TEXT,
            },
        },
        {
            "type": "actions",
            "elements": [
                {**_button("Yes, please", OFFER_YES, reference), "style": "primary"},
                _button("No", OFFER_NO, reference),
            ],
        },
    ]


def comment_form(reference: str) -> Json:
    """The modal for a comment on an answer, and a rating."""
    stars = [
        {"text": {"type": "plain_text", "text": words}, "value": str(number)}
        for number, words in enumerate(_RATINGS, 1)
    ]
    return {
        "type": "modal",
        "callback_id": FEEDBACK_TEXT,
        "private_metadata": reference,
        "title": {"type": "plain_text", "text": "About this answer"},
        "submit": {"type": "plain_text", "text": "Send"},
        "close": {"type": "plain_text", "text": "Cancel"},
        "blocks": [
            {
                "type": "input",
                "block_id": "comment",
                "label": {"type": "plain_text", "text": "What was good, what was wrong?"},
                "element": {
                    "type": "plain_text_input",
                    "action_id": "text",
                    "multiline": True,
                    "max_length": 3000,
                },
            },
            {
                "type": "input",
                "block_id": "stars",
                "optional": True,
                "label": {"type": "plain_text", "text": "How helpful was it?"},
                "element": {"type": "static_select", "action_id": "choice", "options": stars},
            },
        ],
    }


def _button(text: str, action_id: str, value: str, *, label: str | None = None) -> Json:
    button: Json = {
        "type": "button",
        "text": {"type": "plain_text", "text": text, "emoji": True},
        "action_id": action_id,
        "value": value[:2000],
    }
    return {**button, "accessibility_label": label} if label else button


def _escaped(text: str, limit: int) -> str:
    """Text shown literally, in at most `limit` characters after escaping."""
    shown = escape(text)
    return shown if len(shown) <= limit else re.sub(r"&\w*$", "", shown[: limit - 1]) + "…"


def _short(text: str, limit: int = 150) -> str:
    return text if len(text) <= limit else text[: limit - 1] + "…"
