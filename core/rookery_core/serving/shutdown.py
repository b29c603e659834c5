"""What a server does after SIGTERM.

uvicorn answers the requests in progress and then raises the signal again. By default that ends the process at once: the
server's connections are not closed and pending spans are not sent.
"""

from __future__ import annotations

import signal
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

from rookery_core import spans


class _Terminated(SystemExit):
    pass


@contextmanager
def unwind_on_sigterm() -> Generator[None]:
    """Unwind the block on SIGTERM, and only then end the process. A second SIGTERM ends it at once."""

    def unwind(*_: Any) -> None:
        raise _Terminated

    before = signal.signal(signal.SIGTERM, unwind)
    try:
        yield
    except _Terminated:
        spans.flush()
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.raise_signal(signal.SIGTERM)
    finally:
        signal.signal(signal.SIGTERM, before)
