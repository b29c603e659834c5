"""What asyncpg raises when the server cannot be reached or refuses to work, as an error that says what to do."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rookery_core.errors import ConfigurationError, RookeryError, Unavailable

if TYPE_CHECKING:
    import asyncpg

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
            asyncpg.IdleInTransactionSessionTimeoutError,
        ),
    )


def could_not_connect(error: BaseException) -> bool:
    """Whether an attempt to connect failed for a reason that may pass."""
    return isinstance(error, OSError) or is_lost_connection(error)


def explain(error: BaseException, *, connecting: bool = False) -> RookeryError | None:
    """The error to raise instead, or None when this one is the caller's. It names no password and no host.

    connecting: an OSError or timeout is the connection's, not that of something else the caller does.
    """
    import asyncpg

    if isinstance(error, RookeryError):
        return None
    if isinstance(error, asyncpg.PostgresError) and (explanation := _explain_refusal(error)):
        return explanation
    if connecting and isinstance(error, (asyncpg.ClientConfigurationError, ValueError)):
        return ConfigurationError(
            "DATABASE_URL must be the address of a PostgreSQL server.",
            hint="It looks like postgresql://user:password@host:5432/database.",
        )
    if is_lost_connection(error) or (connecting and could_not_connect(error)):
        return Unavailable(
            "The database is not reachable just now.",
            hint="Try again in a moment; `rookery doctor` finds out why.",
            retry_after_s=RETRY_AFTER_S,
        )
    return None


def _explain_refusal(error: asyncpg.PostgresError) -> RookeryError | None:
    """What the server, or a pooler before it, refuses for a reason that its operator can remove."""
    import asyncpg

    match error:
        case asyncpg.InvalidPasswordError() | asyncpg.InvalidAuthorizationSpecificationError():
            return ConfigurationError(
                "The database refused the login.", hint="Check user and password in DATABASE_URL."
            )
        case asyncpg.InvalidCatalogNameError():
            return ConfigurationError(
                "The database named in DATABASE_URL does not exist.", hint="Create it (createdb)."
            )
        case asyncpg.TooManyConnectionsError():
            return Unavailable("The database has no free connection.", retry_after_s=RETRY_AFTER_S)
        case asyncpg.DiskFullError() | asyncpg.OutOfMemoryError():
            return Unavailable(
                "The database server has run out of disk or memory.", hint="Make room on the server."
            )
        case asyncpg.QueryCanceledError() | asyncpg.LockNotAvailableError():
            return Unavailable(
                "The database server cancelled a statement that exceeded its time limit.",
                hint="Raise statement_timeout or lock_timeout for the login of DATABASE_URL, or set them to 0.",
                retry_after_s=RETRY_AFTER_S,
            )
        case asyncpg.ReadOnlySQLTransactionError():
            return Unavailable(
                "The database server accepts no writes: it is a standby, or its transactions are read-only.",
                hint="Point DATABASE_URL at the primary server, and check default_transaction_read_only.",
                retry_after_s=RETRY_AFTER_S,
            )
        case asyncpg.InvalidSQLStatementNameError() | asyncpg.DuplicatePreparedStatementError():
            return ConfigurationError(
                "DATABASE_URL must not lead through a pooler that changes the session between transactions.",
                hint="Connect to the server itself, or set pool_mode = session in PgBouncer.",
            )
        case _:
            return None


@contextmanager
def explained(*, connecting: bool = False, readonly: bool = False) -> Generator[None]:
    """Turn failures of the connection or the server inside the block into Unavailable or ConfigurationError.

    readonly: the transaction was opened for reading, so a refused write is the caller's mistake.
    """
    try:
        yield
    except Exception as error:
        import asyncpg

        if readonly and isinstance(error, asyncpg.ReadOnlySQLTransactionError):
            raise
        better = explain(error, connecting=connecting)
        if better is None:
            raise
        # A wrong address holds a password, and what complains about it may quote it.
        raise better from (None if isinstance(better, ConfigurationError) else error)
