"""An HTTP server with limits on time, size and connections. Every part of Rookery that listens runs on it."""

from rookery_core.http_server.connections import ConnectionLimits
from rookery_core.http_server.requests import BufferedBody
from rookery_core.http_server.server import HttpServer, listen

__all__ = ["BufferedBody", "ConnectionLimits", "HttpServer", "listen"]
