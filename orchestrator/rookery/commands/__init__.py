"""The subcommands of `rookery`, a module each."""
