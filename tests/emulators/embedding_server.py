"""An embedding server on this machine that speaks OpenAI's `/embeddings`."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class EmbeddingServer:
    """Answers vectors that tell the texts apart. `fail_with`: statuses to answer first; `longest`: characters it takes."""

    def __init__(self) -> None:
        self.requests: list[list[str]] = []
        self.fail_with: list[int] = []
        self.longest: int | None = None
        self.dimensions = 4
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/v1"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def answer(self, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        texts: list[str] = body["input"]
        if self.fail_with:
            return self.fail_with.pop(0), {"error": {"message": "no"}}
        if self.longest is not None and sum(map(len, texts)) > self.longest:
            return 413, {"error": {"message": "too long"}}
        self.requests.append(texts)
        data = [
            {"object": "embedding", "index": at, "embedding": self._vector(text)}
            for at, text in enumerate(texts)
        ]
        usage = {"prompt_tokens": 1, "total_tokens": 1}
        return 200, {"object": "list", "data": data[::-1], "model": body["model"], "usage": usage}

    def _vector(self, text: str) -> list[float]:
        return [float(len(text)), float(ord(text[0])), 1.0, 2.0][: self.dimensions]

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        emulator = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                status, answer = emulator.answer(body)
                data = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                if status == 429:
                    self.send_header("Retry-After", "0.01")
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, format: str, *args: Any) -> None:
                pass

        return Handler
