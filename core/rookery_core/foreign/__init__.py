"""The one door for what somebody else hands in: files, archives, git repositories, addresses."""
