"""Every limit of what is opened, unpacked, run or fetched for somebody else, in one table."""

from __future__ import annotations

MB = 1_000_000

MAX_FILE_BYTES = 64 * 1024 * 1024
"""One file of a folder, a working copy or an archive of documents."""
MAX_GUIDE_FILE_BYTES = 500_000
"""A further file of a guide that is shown."""
MAX_LINK_FILE_BYTES = 4_096
"""A `.git` file, which holds one path."""

MAX_INDEX_BYTES = 256 * MB
"""The index of a git working copy: some 2 million files."""
MAX_SHARED_INDEXES = 8
MAX_REPOSITORY_BYTES = 64 * MB
"""The pack that is fetched of a repository, and the archive that is made of it."""
GIT_LOCAL_TIMEOUT_S = 60.0
GIT_REMOTE_TIMEOUT_S = 120.0

MAX_ARCHIVE_BYTES = 16_000 * MB
"""An archive as it is handed in."""
MAX_ARCHIVE_MEMBERS = 1_000_000
MAX_MEMBER_DEPTH = 64
"""Folders around a member."""
MAX_UNPACKED_BYTES = 200_000 * MB
"""All members together; they are read one at a time."""
ARCHIVE_FLOOR_BYTES = 64 * MB
MAX_ARCHIVE_RATIO = 150
"""An archive that unpacks to more than the floor must not unpack to more than this many times its size. Text packs some 30 times."""
MEMBER_FLOOR_BYTES = 16 * MB
MAX_MEMBER_RATIO = 300
"""The same for one member of a zip."""
MAX_EXPORT_FILE_BYTES = 512 * 1024 * 1024
"""One day of messages, or one list, of a Slack export."""

MAX_BODY_BYTES = 64 * 1024 * 1024
"""The body of a page, unpacked."""
MAX_REDIRECTS = 5
MAX_SITEMAPS = 500
MAX_PAUSE_S = 60.0
"""Between two requests to a host, however long its robots.txt or Retry-After asks for."""
CONNECT_TIMEOUT_S = 15.0
READ_TIMEOUT_S = 30.0
"""Between two pieces of an answer."""
FETCH_TIMEOUT_S = 120.0
"""For one answer as a whole."""
DOWNLOAD_TIMEOUT_S = 1800.0
"""The same for an archive."""
