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
