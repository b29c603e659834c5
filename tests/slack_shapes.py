"""Messages of shapes that Slack never sends: arbitrary JSON under Slack's own keys."""

from __future__ import annotations

from hypothesis import strategies as st

SHAPES = st.sampled_from(
    ["type", "text", "elements", "fields", "url", "blocks", "attachments", "files", "message_blocks", "message", "rows",
     "style", "title", "accessory", "indent", "offset", "timestamp", "user_id", "channel_id", "channel", "from_url",
     "is_share", "size", "name", "id", "value", "actions", "image_url", "pretext", "fallback", "range"]
)  # fmt: skip
KINDS = st.sampled_from(
    ["rich_text", "rich_text_list", "rich_text_section", "rich_text_quote", "rich_text_preformatted", "section", "header",
     "context", "actions", "image", "video", "table", "markdown", "divider", "input", "text", "link", "user", "date",
     "channel", "usergroup", "broadcast", "emoji", "mrkdwn", "plain_text", "button"]
)  # fmt: skip
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | KINDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(SHAPES, inner, max_size=5),
    max_leaves=25,
)
MESSAGES = st.dictionaries(st.sampled_from(["text", "blocks", "attachments", "files", "file"]), ANYTHING) | st.fixed_dictionaries(
    {"text": ANYTHING, "blocks": st.lists(ANYTHING), "attachments": st.lists(ANYTHING), "files": st.lists(ANYTHING)}
)  # fmt: skip
