"""The resolver that asks a web server: GET `<url><account>`.

HTTP is read with h11, over the loop's own connections: the whole answer has one time limit, however
slowly it comes, and no thread waits for it. (urllib would need a thread for each, and knows a limit
for single reads only.)
"""

from __future__ import annotations

import asyncio
import base64
import ssl
from dataclasses import dataclass
from typing import Final
from urllib.parse import SplitResult, unquote, urljoin, urlsplit

from pynats_common.go.errno import errno_text, error_text
from pynats_common.go.quoting import quote

from pynats_server.resolver.base import MISSING, TOKEN_MAX, OnChange, ResolverError, is_account
from pynats_server.resolver.lookups import Lookups
from pynats_server.version import PYNATS_VERSION

TIMEOUT_S: Final = 1.9  # for all of an answer
REDIRECTS: Final = 10
READ: Final = 1 << 16  # bytes at a time
OK: Final = 200
PORTS: Final = {"http": 80, "https": 443}


class FetchError(Exception):
    """The web server has not answered well; the text says why."""


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    reason: str
    location: str
    body: bytes


class UrlResolver:
    """See Resolver. `tls` is for https, None = as the system trusts."""

    answers: tuple[str, ...] = ()

    def __init__(
        self, url: str, *, timeout_s: float = TIMEOUT_S, tls: ssl.SSLContext | None = None
    ) -> None:
        self._url = url if url.endswith("/") else url + "/"
        self._timeout_s = timeout_s
        self._tls = tls
        self._lookups = Lookups(self._look_up)
        self.on_change: OnChange | None = None

    def known(self, account: str) -> str | None:
        """See Resolver."""
        return None

    async def start(self) -> None:
        """See Resolver. The bare URL must be answered."""
        await self._get(self._url)

    async def look_again(self) -> None:
        """See Resolver."""

    async def stop(self) -> None:
        """See Resolver."""
        await self._lookups.close()

    async def fetch(self, account: str, address: str = "") -> str:
        """See Resolver."""
        if not is_account(account):
            raise ResolverError(MISSING)
        return await self._lookups.find(account, address)

    def join(self, account: str, address: str) -> None:
        """See Resolver."""
        self._lookups.join(account, address)

    async def _look_up(self, account: str) -> str:
        body = await self._get(self._url + account)
        return body.decode("utf-8", "replace").strip("\r\n")

    async def _get(self, url: str) -> bytes:
        try:
            async with asyncio.timeout(self._timeout_s):
                return await self._follow(url)
        except TimeoutError:
            fault = "context deadline exceeded"
        except FetchError as error:
            fault = str(error)
        except ssl.SSLCertVerificationError as error:
            fault = f"tls: failed to verify certificate: {error.verify_message}"
        except ssl.SSLError as error:
            fault = f"tls: {error.reason}"
        except OSError as error:
            # asyncio tells of a connection in words of its own.
            code = error.errno or 0
            fault = errno_text(code) if code > 0 else error_text(error) or "EOF"
        raise ResolverError(f"could not fetch <{quote(shown(url))}>: {fault}")

    async def _follow(self, url: str) -> bytes:
        for _ in range(REDIRECTS + 1):
            parts = _parts(url)
            answer = await self._ask(parts)
            if not (answer.location and answer.status in (301, 302, 303, 307, 308)):
                break
            url = _joined(url, answer.location)
            if parts.scheme == "https" and _parts(url).scheme != "https":
                raise FetchError("a redirect away from https")
        else:
            raise FetchError(f"stopped after {REDIRECTS} redirects")
        if answer.status != OK:
            raise FetchError(f"{answer.status} {answer.reason}".strip())
        return answer.body

    async def _ask(self, parts: SplitResult) -> _Answer:
        tls = None
        if parts.scheme == "https":
            tls = self._tls or ssl.create_default_context()
        host = parts.hostname or ""
        reader, writer = await asyncio.open_connection(
            host, parts.port or PORTS[parts.scheme], ssl=tls
        )
        try:
            return await _exchange(parts, reader, writer)
        finally:
            writer.transport.abort()


def shown(url: str) -> str:
    """A URL without its password."""
    try:
        parts = urlsplit(url)
        if parts.password is None:
            return url
        host = parts.netloc.rpartition("@")[2]
    except ValueError:
        return url
    return parts._replace(netloc=f"{parts.username}:xxxxx@{host}").geturl()


def _joined(url: str, location: str) -> str:
    try:
        return urljoin(url, location)
    except ValueError as error:
        raise FetchError(str(error)) from None


def _parts(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError as error:
        raise FetchError(str(error)) from None
    if parts.scheme not in PORTS:
        raise FetchError(f"unsupported protocol scheme {quote(parts.scheme)}")
    if not parts.hostname:
        raise FetchError("no host in request URL")
    return parts


async def _exchange(
    parts: SplitResult, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> _Answer:
    import h11

    connection = h11.Connection(h11.CLIENT, max_incomplete_event_size=READ)
    try:
        request = h11.Request(method="GET", target=_target(parts), headers=_headers(parts))
        for event in (request, h11.EndOfMessage()):
            writer.write(connection.send(event) or b"")
        await writer.drain()
        head: h11.Response | None = None
        body = bytearray()
        while True:
            got = connection.next_event()
            if got is h11.NEED_DATA:
                connection.receive_data(await reader.read(READ))
            elif isinstance(got, h11.Response):
                head = got
            elif isinstance(got, h11.Data):
                body += got.data
                if len(body) > TOKEN_MAX:
                    raise FetchError(f"the answer is longer than {TOKEN_MAX} bytes")
            elif isinstance(got, (h11.EndOfMessage, h11.ConnectionClosed)):
                break
    except (h11.RemoteProtocolError, h11.LocalProtocolError) as error:
        raise FetchError(f"no HTTP: {error}") from None
    if head is None:
        raise FetchError("EOF")
    location = dict(head.headers).get(b"location", b"").decode("latin-1")
    return _Answer(head.status_code, head.reason.decode("latin-1"), location, bytes(body))


def _target(parts: SplitResult) -> bytes:
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return target.encode("utf-8", "replace")


def _headers(parts: SplitResult) -> list[tuple[bytes, bytes]]:
    host = parts.netloc.rpartition("@")[2]
    headers = [
        (b"Host", host.encode("idna" if not host.isascii() else "ascii")),
        (b"User-Agent", f"pynats-server/{PYNATS_VERSION}".encode()),
        (b"Accept", b"*/*"),
        (b"Connection", b"close"),
    ]
    if parts.username is not None:
        pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}".encode()
        headers.append((b"Authorization", b"Basic " + base64.b64encode(pair)))
    return headers
