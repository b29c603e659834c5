"""Several processes that serve one port: one process of Python uses one core."""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
from collections.abc import Callable
from typing import Any

from rookery_core.http_server import listen
from rookery_core.telemetry import get_logger

logger = get_logger(__name__)

Serve = Callable[[socket.socket], None]
"""Serves a listening socket until a signal stops it."""


def serve_with_workers(count: int, host: str, port: int, serve: Serve, announce: Callable[[], None]) -> int:
    """Let `count` processes serve `host` and `port` until SIGTERM or SIGINT. Returns the exit status.

    Each process has a separate listening socket, and the system distributes the connections; with a common socket the
    quickest process would take nearly all. A process that a signal killed is replaced; when one ends by itself, all end.
    announce: called once the port is known to be free. Raises OSError when it is not. No thread and no event loop may
    have been started before.
    """
    listen(host, port).close()
    announce()
    held, alive = os.pipe()  # nobody writes: it is closed when this process is gone

    def start() -> int:
        return _fork(held, alive, lambda: serve(listen(host, port, shared=True)))

    workers = {start() for _ in range(count)}
    stopping = False

    def stop(*_: Any) -> None:
        nonlocal stopping
        stopping = True
        for worker in workers:
            os.kill(worker, signal.SIGTERM)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    status = 0
    while workers:
        ended, code = os.wait()
        workers.discard(ended)
        code = os.waitstatus_to_exitcode(code)
        if stopping:
            continue
        if code < 0:
            logger.warning("a worker was ended by signal %d: another takes its place", -code)
            workers.add(start())
        else:
            status = code
            stop()
    return status


def _fork(held: int, alive: int, serve: Callable[[], None]) -> int:
    """Start a worker. Returns its number; the worker itself never returns."""
    worker = os.fork()
    if worker:
        return worker
    status = 1
    try:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_DFL)
        os.close(alive)
        threading.Thread(target=_end_with_parent, args=(held,), daemon=True).start()
        serve()
        status = 0
    except KeyboardInterrupt:
        status = 130
    except Exception:
        logger.exception("a worker failed")
    finally:
        sys.stderr.flush()
        os._exit(status)


def _end_with_parent(held: int) -> None:
    os.read(held, 1)
    os.kill(os.getpid(), signal.SIGTERM)
