"""How GitHub answers: pages with Link headers, ETags and 304, errors with a message."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from emulators.github.world import Json

MEDIA = "application/json; charset=utf-8"


class Refused(Exception):
    """An error answer."""

    def __init__(self, status: int, message: str, errors: list[Any] | None = None, **headers: str) -> None:
        super().__init__(message)
        self.status = status
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}
        self.body: Json = {
            "message": message,
            "documentation_url": "https://docs.github.com/rest",
            "status": str(status),
        }
        if errors is not None:
            self.body["errors"] = errors

    def response(self) -> Response:
        return Response(json.dumps(self.body), self.status, self.headers, MEDIA)


def whole(request: Request, value: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """A JSON answer; 304 when the client has it already."""
    return content(request, json.dumps(value, ensure_ascii=False).encode(), MEDIA, status, headers)


def one_of(request: Request, held: Iterable[Sequence[Json]], ident: int) -> Response:
    """The object of that id, wherever it is held; else 404."""
    for one in chain.from_iterable(held):
        if one["id"] == ident:
            return whole(request, one)
    raise Refused(404, "Not Found")


def content(
    request: Request, body: bytes, media: str, status: int = 200, headers: dict[str, str] | None = None
) -> Response:
    """Any answer with an ETag; 304 when the client has it already."""
    etag = f'W/"{hashlib.sha256(body).hexdigest()}"'
    headers = {
        "etag": etag,
        "cache-control": "private, max-age=60, s-maxage=60",
        "vary": "Accept, Authorization",
        **(headers or {}),
    }
    if request.method == "GET" and status == 200 and etag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    return Response(body, status, headers, media)


def page_of(request: Request) -> tuple[int, int]:
    """The page asked for and its size."""
    try:
        page = max(1, int(request.query_params.get("page", "1")))
        size = min(100, max(1, int(request.query_params.get("per_page", "30"))))
    except ValueError:
        raise Refused(422, "Invalid pagination") from None
    return page, size


def listing(request: Request, items: Sequence[Any]) -> Response:
    """One page of a list, with the Link header that leads to the others."""
    page, size = page_of(request)
    chosen = items[(page - 1) * size : page * size]
    return whole(request, list(chosen), headers=_links(request, page, -(-len(items) // size)))


def found(request: Request, items: Sequence[Json], **more: str) -> Response:
    """One page of a search: at most the first 1,000 results can be reached."""
    page, size = page_of(request)
    if (page - 1) * size >= 1000:
        raise Refused(422, "Only the first 1000 search results are available")
    body = {
        "total_count": len(items),
        "incomplete_results": False,
        "items": list(items[(page - 1) * size : page * size]),
        **more,
    }
    return whole(request, body, headers=_links(request, page, -(-min(len(items), 1000) // size)))


def _links(request: Request, page: int, last: int) -> dict[str, str]:
    targets: dict[str, int] = {}
    if page < last:
        targets |= {"next": page + 1, "last": last}
    if page > 1:
        targets |= {"first": 1, "prev": page - 1}
    links = [
        f'<{request.url.include_query_params(page=number)}>; rel="{name}"' for name, number in targets.items()
    ]
    return {"link": ", ".join(links)} if links else {}
