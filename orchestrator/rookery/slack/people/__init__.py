"""People: the directory, admins and ignored people, feedback and reminders."""
