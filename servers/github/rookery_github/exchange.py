"""One request and its answer, through PyGithub's requester, without its waiting and following.

PyGithub signs the request (tokens, App installations and their renewal, Enterprise prefixes). What it would
do on its own is switched off, because a tool must decide it: it sleeps until a rate limit resets, repeats POST
on 5xx, follows redirects without showing where to, and shares one connection object that two threads overwrite.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    import requests
    from github.Requester import Requester

    from rookery_github.credentials import Credentials

USER_AGENT = "rookery-github"
API_VERSION = "2022-11-28"
MAX_BODY_BYTES = 64 * 1024 * 1024
_METHODS = ("GET", "HEAD", "POST", "PATCH", "PUT", "DELETE")
_REDIRECTS = (301, 302, 303, 307, 308)


@dataclass(frozen=True, slots=True)
class Response:
    """What came back. Header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def location(self) -> str | None:
        """Where a redirect leads, or None."""
        return self.headers.get("location") if self.status in _REDIRECTS else None


class NoAnswer(Exception):
    """The connection failed. `sent`: whether GitHub may have received and executed the request."""

    def __init__(self, cause: str, *, sent: bool) -> None:
        super().__init__(cause)
        self.sent = sent


class _Arrived(Exception):
    """Carries the response past PyGithub's own reading of it."""

    def __init__(self, response: Response) -> None:
        super().__init__()
        self.response = response


class Exchanger:
    """Makes requests for one identity on one host. Blocking, and safe to use from many threads at once."""

    def __init__(self, api: str, credentials: Credentials, timeout_s: float, pool_size: int) -> None:
        import requests
        from github.Requester import Requester
        from requests.adapters import HTTPAdapter

        self._origin = "{0.scheme}://{0.netloc}".format(urlsplit(api))
        self._timeout = timeout_s
        self._session = requests.Session()
        self._session.auth = Requester.noopAuth  # otherwise requests reads ~/.netrc
        adapter = HTTPAdapter(pool_connections=4, pool_maxsize=pool_size, max_retries=0)
        self._session.mount("http://", adapter)
        self._session.mount("https://", adapter)
        self._requester: Requester = Requester(
            auth=credentials.as_auth(),
            base_url=api,
            timeout=int(timeout_s) or 1,
            user_agent=USER_AGENT,
            per_page=100,
            verify=True,
            retry=0,
            pool_size=pool_size,
            api_version=API_VERSION,
        )
        self._renewal = threading.Lock()
        self._installation = credentials.app is not None
        self._auth = self._requester.auth
        # PyGithub iterates over this while another thread may add the first request of a kind to it.
        vars(self._requester)["_Requester__last_requests"].update(dict.fromkeys(_METHODS, 0.0))

    def send(
        self,
        method: str,
        path: str,
        parameters: Mapping[str, Any],
        headers: Mapping[str, str],
        body: Any = None,
    ) -> Response:
        """Send one signed request. Raises NoAnswer when the connection fails; a status never raises."""
        from github import GithubException

        connection = _Connection(self._session, self._origin, self._timeout)
        try:
            self._renew()
            self._requester.requestJson(
                method,
                path,
                dict(parameters),
                dict(headers),
                body,
                cnx=connection,  # pyright: ignore[reportArgumentType] same methods
            )
        except _Arrived as arrived:
            return arrived.response
        except GithubException as error:  # the App could not sign in
            headers = {name.lower(): str(value) for name, value in (error.headers or {}).items()}
            return Response(error.status, headers, json.dumps(error.data).encode())
        raise AssertionError("the connection always raises")

    @property
    def graphql(self) -> str:
        """The address of the GraphQL API beside this REST API."""
        return self._requester.graphql_url

    def fetch_elsewhere(self, url: str, headers: Mapping[str, str]) -> Response:
        """GET an address that GitHub redirected to (logs, archives), unsigned: the token stays with GitHub."""
        return _fetch(self._session, "GET", url, {"User-Agent": USER_AGENT, **headers}, None, self._timeout)

    def _renew(self) -> None:
        """Let one thread get a new token of an App's installation, instead of all of them at once."""
        if self._auth is not None and self._installation:
            with self._renewal:
                _ = self._auth.token

    def close(self) -> None:
        self._session.close()


class _Connection:
    """What PyGithub takes for a connection: one for each request, so that threads share none."""

    def __init__(self, session: requests.Session, origin: str, timeout: float) -> None:
        self._session = session
        self._origin = origin
        self._timeout = timeout
        self._request: tuple[str, str, Any, Mapping[str, str]] | None = None

    def request(
        self, verb: str, url: str, input: Any, headers: Mapping[str, str], stream: bool = False
    ) -> None:
        self._request = (verb, url, input, headers)

    def getresponse(self) -> Any:
        assert self._request is not None
        verb, url, body, headers = self._request
        raise _Arrived(_fetch(self._session, verb, self._origin + url, headers, body, self._timeout))

    def close(self) -> None:
        """The session is the exchanger's."""


def _fetch(
    session: requests.Session, verb: str, url: str, headers: Mapping[str, str], body: Any, timeout: float
) -> Response:
    from requests import exceptions

    try:
        answer = session.request(
            verb,
            url,
            headers=dict(headers),
            data=body,
            timeout=(min(timeout, 10.0), timeout),
            allow_redirects=False,
            stream=True,
        )
        with answer:
            content = _read(answer)
    except exceptions.ConnectTimeout:
        raise NoAnswer("no connection in time", sent=False) from None
    except exceptions.Timeout:
        raise NoAnswer(f"no answer within {timeout:g} s", sent=True) from None
    except exceptions.ConnectionError as error:
        raise NoAnswer("the connection failed", sent="NewConnectionError" not in repr(error)) from None
    except exceptions.RequestException as error:
        raise NoAnswer(f"the answer broke off ({type(error).__name__})", sent=True) from None
    return Response(
        answer.status_code, {name.lower(): value for name, value in answer.headers.items()}, content
    )


def _read(answer: requests.Response) -> bytes:
    parts: list[bytes] = []
    size = 0
    for part in answer.iter_content(65_536):
        parts.append(part)
        size += len(part)
        if size > MAX_BODY_BYTES:
            raise NoAnswer(f"the answer is larger than {MAX_BODY_BYTES // 1048576} MB", sent=True)
    content = b"".join(parts)
    declared = answer.headers.get("content-length")
    if (
        declared
        and "content-encoding" not in answer.headers
        and answer.request.method != "HEAD"
        and len(content) < int(declared)
    ):
        raise NoAnswer("the answer broke off", sent=True)
    return content
