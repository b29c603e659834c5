"""A host of git repositories on this machine: git's own server program behind HTTP, and what can go wrong on the way."""

from __future__ import annotations

import os
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

_AUTHOR = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org")


class GitHost:
    """Serves the repositories below a folder. requests: what was asked. status: answered instead of anything, when set;
    elsewhere: where requests are sent on to, when set."""

    def __init__(self, folder: Path) -> None:
        self.requests: list[str] = []
        self.status: int | None = None
        self.elsewhere: str | None = None
        self._folder = folder
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def commit(self, name: str, files: dict[str, str | bytes | None], *, branch: str = "main") -> str:
        """A commit on a branch of a repository, which is made when it is not there. None removes a file."""
        place = self._folder / name
        if not place.exists():
            self._git(self._folder, "init", "--quiet", "-b", "main", name)
        elif branch != self._git(place, "branch", "--show-current"):
            self._git(place, "checkout", "--quiet", "-B", branch)
        for path, content in files.items():
            file = place / path
            file.parent.mkdir(parents=True, exist_ok=True)
            if content is None:
                file.unlink()
            else:
                file.write_bytes(content if isinstance(content, bytes) else content.encode())
        self._git(place, "add", "--all")
        self._git(place, *_AUTHOR, "commit", "--quiet", "-m", "a change")
        return self._git(place, "rev-parse", "HEAD")

    def tag(self, name: str, tag: str) -> None:
        """An annotated tag of what is checked out."""
        self._git(self._folder / name, *_AUTHOR, "tag", "-a", "-m", tag, tag)

    def _git(self, folder: Path, *arguments: str) -> str:
        command = ["git", "-C", str(folder), *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        emulator = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                emulator.requests.append(f"{self.command} {self.path}")
                if emulator.elsewhere is not None:
                    self.send_response(302)
                    self.send_header("Location", emulator.elsewhere + self.path)
                    self.end_headers()
                elif emulator.status is not None:
                    self.send_error(emulator.status)
                else:
                    self._let_git_answer()

            do_POST = do_GET

            def _let_git_answer(self) -> None:
                parts = urlsplit(self.path)
                environment = {
                    **os.environ,
                    "GIT_PROJECT_ROOT": str(emulator._folder),
                    "GIT_HTTP_EXPORT_ALL": "1",
                    "REQUEST_METHOD": self.command,
                    "PATH_INFO": parts.path,
                    "QUERY_STRING": parts.query,
                    "CONTENT_TYPE": self.headers.get("Content-Type", ""),
                    "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
                    "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
                }
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                answer = subprocess.run(
                    ["git", "http-backend"], check=False, input=body, env=environment, capture_output=True
                ).stdout
                head, _, content = answer.partition(b"\r\n\r\n")
                headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n"))
                self.send_response(int(headers.pop("Status", "200").split()[0]))
                for header, value in headers.items():
                    self.send_header(header, value)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, format: str, *args: Any) -> None:
                pass

        return Handler
