"""What asyncpg raises when the server can not be reached, as an error that says what to do."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

from rookery_core.errors import ConfigurationError, RookeryError, Unavailable

RETRY_AFTER_S = 2.0


def is_lost_connection(error: BaseException) -> bool:
    """Whether the driver says that the connection, rather than the statement, is at fault."""
    import asyncpg

    if isinstance(error, asyncpg.InterfaceError):
        text = str(error)
        return "closed" in text or "released" in text or "closing" in text
    if isinstance(error, asyncpg.InternalClientError):
        # The server ended the session while the connection lay idle: the driver notices only now.
        return "cannot switch to state" in str(error)
    return isinstance(
        error,
        (
            asyncpg.PostgresConnectionError,
            asyncpg.AdminShutdownError,
            asyncpg.CrashShutdownError,
            asyncpg.CannotConnectNowError,
            asyncpg.IdleSessionTimeoutError,
        ),
    )


def could_not_connect(error: BaseException) -> bool:
    """Whether an attempt to connect failed for a reason that may pass."""
    return isinstance(error, OSError) or is_lost_connection(error)


def explain(error: BaseException, *, connecting: bool = False) -> RookeryError | None:
    """The error to raise instead, or None when this one is the caller's own. Names no password and no host.

    connecting: an OSError or timeout is the connection's, not that of something else the caller does.
    """
    import asyncpg

    if isinstance(error, RookeryError):
        return None
    if isinstance(error, (asyncpg.InvalidPasswordError, asyncpg.InvalidAuthorizationSpecificationError)):
        return ConfigurationError(
            "The database refused the login.", hint="Check user and password in DATABASE_URL."
        )
    if isinstance(error, asyncpg.InvalidCatalogNameError):
        return ConfigurationError(
            "The database named in DATABASE_URL does not exist.", hint="Create it (createdb)."
        )
    if isinstance(error, asyncpg.TooManyConnectionsError):
        return Unavailable("The database has no free connection.", retry_after_s=RETRY_AFTER_S)
    if isinstance(error, (asyncpg.DiskFullError, asyncpg.OutOfMemoryError)):
        return Unavailable(
            "The database server has run out of disk or memory.", hint="Make room on the server."
        )
    if connecting and isinstance(error, (asyncpg.ClientConfigurationError, ValueError)):
        return ConfigurationError(
            "DATABASE_URL is not the address of a PostgreSQL server.",
            hint="It looks like postgresql://user:password@host:5432/database.",
        )
    if is_lost_connection(error) or (connecting and could_not_connect(error)):
        return Unavailable(
            "The database is not reachable just now.",
            hint="Try again in a moment; `rookery doctor` finds out why.",
            retry_after_s=RETRY_AFTER_S,
        )
    return None


@contextmanager
def explained(*, connecting: bool = False) -> Generator[None]:
    """Turn failures of the connection inside the block into Unavailable or ConfigurationError."""
    try:
        yield
    except Exception as error:
        better = explain(error, connecting=connecting)
        if better is None:
            raise
        # A wrong address holds a password, and what complains about it may quote it.
        raise better from (None if isinstance(better, ConfigurationError) else error)
