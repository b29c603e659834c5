"""`python -m rookery`, and the command `rookery`."""

from rookery.commandline import main

if __name__ == "__main__":
    raise SystemExit(main())
