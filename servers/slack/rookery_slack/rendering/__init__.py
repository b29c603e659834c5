"""What people said, as markdown that a model can read and as plain words that search can index, without loss."""

from rookery_slack.rendering.message import Spoken, render_message
from rookery_slack.rendering.names import Names
from rookery_slack.rendering.searchable import has_link, searchable_text

__all__ = ["Names", "Spoken", "has_link", "render_message", "searchable_text"]
