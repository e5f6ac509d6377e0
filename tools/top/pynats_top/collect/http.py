"""A server's monitoring port."""

from __future__ import annotations

import asyncio
import ssl
import time
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

from pynats_common.commandline.untrusted import harmless_cell
from pynats_common.go.errno import errno_text, error_text
from pynats_common.network.tls import verifying_context
from pynats_common.network.web import (
    Answer,
    ClientPortError,
    Web,
    WebError,
    authorization,
    login_in,
)

from pynats_top.collect.decoding import decoded
from pynats_top.collect.source import (
    ACCOUNTS,
    ACCOUNTS_MAX,
    CONNECTIONS,
    CONSUMERS,
    ENDED,
    SLOW,
    SLOWEST,
    STREAMS,
    TIMEOUT_S,
    Poll,
    SourceError,
    Want,
)

ANSWER_MAX: Final = 1 << 27
_OK, _UNAUTHORIZED, _FORBIDDEN, _NOT_FOUND = 200, 401, 403, 404


class _AbsentError(SourceError):
    """The server does not know this path."""


class HttpSource:
    """See Source. `url` may have a base path, and credentials: a user and password, or a token.

    `login` is what to use if it has none.
    """

    def __init__(
        self,
        url: str,
        *,
        tls: ssl.SSLContext | None = None,
        login: tuple[str, str | None] = ("", None),
        timeout_s: float = TIMEOUT_S,
    ) -> None:
        parts = urlsplit(url)
        host = parts.netloc.rpartition("@")[2]
        self.label = host
        self._bare = f"{parts.scheme}://{host}"
        self._secure = parts.scheme == "https"
        self._path = parts.path.rstrip("/")
        if self._secure and tls is None:
            tls = verifying_context()
        headers = [("User-Agent", "pynats-top"), ("Accept", "application/json")]
        if value := authorization(*(login_in(url) or login)):
            headers.append(("Authorization", value))
        self._web = Web(url, headers, tls, ANSWER_MAX)
        self._timeout_s = timeout_s
        self._one = asyncio.Lock()  # one request at a time on the connection

    async def poll(self, want: Want) -> Poll:
        """See Source."""
        poll = Poll(time.monotonic())
        async with self._one:
            deadline = asyncio.get_running_loop().time() + self._timeout_s
            poll.varz = await self._get("/varz", {}, deadline)
            for name, path, query in _asked(want):
                setattr(poll, name, await self._optional(path, query, deadline))
        return poll

    def due_in_s(self, interval_s: float) -> float:
        """See Source."""
        return interval_s

    async def connection(self, cid: int) -> dict[str, Any] | None:
        """See Source."""
        query = {"cid": cid, "subs": "detail", "auth": 1}
        async with self._one:
            deadline = asyncio.get_running_loop().time() + self._timeout_s
            answer = await self._get("/connz", query, deadline)
        found = answer.get("connections")
        if isinstance(found, list) and found and isinstance(found[0], dict):
            return found[0]
        return None

    async def close(self) -> None:
        """See Source."""
        self._web.close()

    async def _optional(
        self, path: str, query: dict[str, Any], deadline: float
    ) -> dict[str, Any] | None:
        """None where a server does not have it yet."""
        try:
            return await self._get(path, query, deadline)
        except _AbsentError:
            return None

    async def _get(self, path: str, query: dict[str, Any], deadline: float) -> dict[str, Any]:
        target = self._path + (f"{path}?{urlencode(query)}" if query else path)
        try:
            async with asyncio.timeout_at(deadline):
                answer = await self._web.get(target)
        except TimeoutError:
            raise SourceError(f"{self._bare} has not answered in time") from None
        except ClientPortError:
            raise SourceError(
                f"{self.label} is a client port, no monitoring port: start the server with -m 8222"
                " and use that port"
            ) from None
        except WebError as error:
            raise SourceError(f"{self._bare}: {error}") from None
        except EOFError:
            raise SourceError(f"{self._bare} has closed the connection") from None
        except ssl.SSLCertVerificationError as error:
            raise SourceError(f"{self._bare}: tls: {error.verify_message}") from None
        except ssl.SSLError as error:
            raise SourceError(f"{self._bare}: {_tls_text(error)}") from None
        except (OSError, UnicodeError) as error:
            raise SourceError(f"{self._bare}: {_network_text(error)}") from None
        self._check(answer, path)
        return decoded(answer.body, path)

    def _check(self, answer: Answer, path: str) -> None:
        """Raises SourceError for an answer that is none."""
        if answer.status in (_UNAUTHORIZED, _FORBIDDEN):
            raise SourceError(
                f"{self._bare} wants other credentials ({answer.status}): a user and password or a"
                " token, as in http://USER:PASSWORD@HOST:8222 or http://TOKEN@HOST:8222"
            )
        if answer.status == _OK and _content_type(answer) == "text/html":
            raise SourceError(f"{self._bare} has a web page at {path}: no monitoring port")
        if answer.status == _NOT_FOUND:
            raise _AbsentError(
                f"{self._bare} has no {path} (404): no monitoring port, or not there"
            )
        if answer.status != _OK:
            raise SourceError(f"{self._bare} answers {path} with {answer.status}{_said(answer)}")


def _asked(want: Want) -> list[tuple[str, str, dict[str, Any]]]:
    """The field of a poll, the path, and the query of all that is wanted."""
    asked: list[tuple[str, str, dict[str, Any]]] = []
    if CONNECTIONS in want.parts:
        query: dict[str, Any] = {"limit": want.limit, "sort": want.server_sort}
        query |= {"subs": 1} if want.subscriptions else {}
        query |= {"auth": 1} if want.auth else {}
        asked.append(("connz", "/connz", query))
    if ACCOUNTS in want.parts:
        asked.append(("accounts", "/accstatz", {"unused": 1}))
    if STREAMS in want.parts or CONSUMERS in want.parts:
        query = {"accounts": 1, "streams": 1, "config": 1, "limit": ACCOUNTS_MAX}
        query |= {"consumers": 1} if CONSUMERS in want.parts else {}
        asked.append(("jsz", "/jsz", query))
    if SLOW in want.parts:
        common = {"subs": 1, "auth": 1}
        asked += [
            ("pending", "/connz", {"sort": "pending", "limit": SLOWEST, **common}),
            ("closed", "/connz", {"state": "closed", "sort": "stop", "limit": ENDED, **common}),
        ]
    return asked


def _content_type(answer: Answer) -> str:
    return answer.headers.get("content-type", "").partition(";")[0].strip().lower()


def _said(answer: Answer) -> str:
    """The first words of an error's body."""
    if _content_type(answer) == "text/html":
        return ""
    words = answer.body[:400].decode("utf-8", "replace").strip().partition("\n")[0][:80]
    return f": {harmless_cell(words)}" if words else ""


def _tls_text(error: ssl.SSLError) -> str:
    if error.reason in ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "RECORD_LAYER_FAILURE"):
        return "no TLS there: use -m, or an address with http://"
    return f"tls: {(error.reason or str(error)).lower().replace('_', ' ')}"


def _network_text(error: OSError | UnicodeError) -> str:
    """asyncio tells of a connection in words of its own."""
    code = getattr(error, "errno", None) or 0
    if isinstance(error, ConnectionRefusedError):
        return "connection refused: no server there, or one without a monitoring port (-m 8222)"
    return errno_text(code) if code > 0 else error_text(error) or "connection lost"
