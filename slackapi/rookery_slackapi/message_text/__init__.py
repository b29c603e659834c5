"""What people said, as markdown that a model can read and as plain words that search can index, without loss."""

from rookery_slackapi.message_text.message import (
    MessageContent,
    attachments_text,
    main_text,
    mentions_user,
    references,
    render_message,
)
from rookery_slackapi.message_text.names import Names
from rookery_slackapi.message_text.searchable import has_link, searchable_text

__all__ = [
    "MessageContent",
    "Names",
    "attachments_text",
    "has_link",
    "main_text",
    "mentions_user",
    "references",
    "render_message",
    "searchable_text",
]
