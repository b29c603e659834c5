"""A server that is asked to end ends what it began.

uvicorn answers what is in progress and then raises the signal again. By itself that ends the process at once: what the server
opened is not closed, and spans that wait are not sent.
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
def ended_by_sigterm() -> Generator[None]:
    """Let SIGTERM unwind the block, and only then end the process. A second one cuts the unwinding short."""

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
