"""The resolver that asks a web server: GET `<url><account>`.

The whole answer has one time limit, however slowly it comes, and no thread waits for it.
"""

from __future__ import annotations

import asyncio
import ssl
from typing import Final
from urllib.parse import SplitResult, urljoin, urlsplit

from pynats_common.go.errno import errno_text, error_text
from pynats_common.go.quoting import quote
from pynats_common.network.tls import verifying_context
from pynats_common.network.web import PORTS, Answer, Web, WebError, basic, login_in

from pynats_server.resolver.base import MISSING, TOKEN_MAX, OnChange, ResolverError, is_account
from pynats_server.resolver.lookups import Lookups
from pynats_server.version import PYNATS_VERSION

TIMEOUT_S: Final = 1.9  # for all of an answer
REDIRECTS: Final = 10
OK: Final = 200


class FetchError(Exception):
    """The web server has not answered well; the text says why."""


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
            location = answer.headers.get("location", "")
            if not (location and answer.status in (301, 302, 303, 307, 308)):
                break
            url = _joined(url, location)
            if parts.scheme == "https" and _parts(url).scheme != "https":
                raise FetchError("a redirect away from https")
        else:
            raise FetchError(f"stopped after {REDIRECTS} redirects")
        if answer.status != OK:
            raise FetchError(f"{answer.status} {answer.reason}".strip())
        return answer.body

    async def _ask(self, parts: SplitResult) -> Answer:
        tls = None
        if parts.scheme == "https":
            tls = self._tls or verifying_context()
        web = Web(parts.geturl(), _headers(parts), tls, TOKEN_MAX)
        try:
            return await web.get(_target(parts))
        except WebError as error:
            raise FetchError(str(error)) from None
        except EOFError:
            raise FetchError("EOF") from None
        finally:
            web.close()


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


def _target(parts: SplitResult) -> bytes:
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return target.encode("utf-8", "replace")


def _headers(parts: SplitResult) -> list[tuple[str, str]]:
    headers = [
        ("User-Agent", f"pynats-server/{PYNATS_VERSION}"),
        ("Accept", "*/*"),
        ("Connection", "close"),
    ]
    if login := login_in(parts.geturl()):
        headers.append(("Authorization", basic(login[0], login[1] or "")))
    return headers
