"""The answer for each path. Imported at the first request, for a fast start."""

from __future__ import annotations

import posixpath
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, nullcontext
from functools import partial
from html import escape
from typing import Any, TypeVar
from urllib.parse import quote, unquote

from pynats_server.monitor import (
    absent,
    accountz,
    healthz,
    index,
    jsz,
    stacksz,
    varz,
)
from pynats_server.monitor.connz import WallClock, connz
from pynats_server.monitor.json import Pieces, pretty
from pynats_server.monitor.metrics.page import page
from pynats_server.monitor.metrics.text import content_type, wants_open_metrics
from pynats_server.monitor.options import BadRequest
from pynats_server.monitor.serving import query
from pynats_server.monitor.serving.guard import Admission, Guard, refusal
from pynats_server.monitor.serving.http import Peer, Request, Response
from pynats_server.monitor.serving.long_answers import LongAnswers
from pynats_server.monitor.serving.query import Query
from pynats_server.monitor.source import MonitorSource
from pynats_server.monitor.subsz import subsz
from pynats_server.monitor.ui import lists
from pynats_server.monitor.ui.files import PAGE, Files
from pynats_server.said.json import compact
from pynats_server.work import Work

JSON = "application/json"
HTML = "text/html; charset=utf-8"
MONITORING = ("monitoring",)  # whose turn it is when answers are made
PROBES = ("monitoring", "probes")  # which do not wait for those
NOT_FOUND = "404 page not found\n"
UI = "/ui"  # where the dashboard is
READING = ("GET", "HEAD")
NOT_KEPT = (("Cache-Control", "no-store"), ("X-Content-Type-Options", "nosniff"))
_FOR_BROWSERS = (("Access-Control-Allow-Origin", "*"),)
T = TypeVar("T")

_Endpoint = Callable[[Peer, Query, Request], Awaitable[Response]]


class Endpoints:
    """Answers requests about one server. Changes only the `http_requests` of `source`."""

    def __init__(self, source: MonitorSource) -> None:
        self._source = source
        self._clock = WallClock()
        self._usage = varz.Usage()
        self._long = LongAnswers()
        self._guard = Guard(source)
        self._base = _clean("/" + source.options.http_base_path).rstrip("/")
        self._endpoints: dict[str, _Endpoint] = {
            "/": self._index,
            "/varz": self._varz,
            "/connz": self._sliced(query.connz, partial(connz, clock=self._clock)),
            "/subsz": self._sliced(query.subsz, subsz),
            "/subscriptionsz": self._sliced(query.subsz, subsz),
            "/healthz": self._healthz,
            "/accountz": self._sliced(query.accountz, accountz.accountz),
            "/accstatz": self._sliced(query.accstatz, accountz.accstatz),
            "/routez": self._plain(query.routez, absent.routez),
            "/gatewayz": self._plain(query.gatewayz, absent.gatewayz),
            "/leafz": self._plain(query.leafz, absent.leafz),
            "/jsz": self._sliced(query.jsz, jsz.jsz),
            "/ipqueuesz": self._plain(query.ipqueuesz, absent.ipqueuesz),
            "/raftz": self._raftz,
            "/stacksz": self._stacksz,
            "/debug/vars": self._debug_vars,
            "/metrics": self._metrics,
            "/ui/accounts": self._sliced(query.listed, lists.accounts, NOT_KEPT),
            "/ui/streams": self._sliced(query.listed, lists.streams, NOT_KEPT),
            "/ui/consumers": self._sliced(query.listed, lists.consumers, NOT_KEPT),
        }
        self._files = Files()

    @asynccontextmanager
    async def answer(self, peer: Peer, request: Request) -> AsyncIterator[Response]:
        """The answer to one request, whatever its method (as the real server does), while it is
        sent."""
        target = request.target
        if target.startswith(("http://", "https://")):  # the form that proxies use
            target = "/" + target.split("/", 3)[3] if target.count("/") >= 3 else "/"
        raw_path, _, raw_query = target.partition("?")
        path, asked = unquote(raw_path), Query(raw_query)
        name = self._endpoint_of(path)
        admission = await self._guard.admit(peer, request.authorization)
        if admission is not Admission.GRANTED:
            yield await self._for_strangers(peer, name, asked, admission)
            return
        if path.startswith("/") and _clean(path) != path:
            yield _redirect(_clean(path), raw_query)
            return
        if name is None:
            yield _not_found()
            return
        if name not in _UNCOUNTED:
            counted = UI if _of_dashboard(name) else _COUNTED_AS.get(name, name)
            self._source.http_requests[counted] += 1
        if _of_dashboard(name) and request.method not in READING:
            yield _not_allowed()
            return
        async with self._long.place_for(peer) if name in _LONG else nullcontext():
            yield await self._made(name, peer, asked, request)

    async def _for_strangers(
        self, peer: Peer, name: str | None, asked: Query, admission: Admission
    ) -> Response:
        """The answer to who may not ask: whether the server is healthy, where all may know that."""
        auth = self._source.options.http_auth
        is_open = auth is not None and auth.healthz_open and name == "/healthz"
        if not is_open or any(map(asked.text, _TELLING)):
            return refusal(admission, auth)
        self._source.http_requests[name or ""] += 1
        try:
            status, health = await self._health(peer, asked)
        except BadRequest as error:
            return Response.text(400, str(error))
        return _json(compact(healthz.Health(status=health.status)), status)

    def close(self) -> None:
        """Ends what goes on in threads."""
        self._guard.close()

    async def _made(self, name: str, peer: Peer, asked: Query, request: Request) -> Response:
        try:
            endpoint = self._endpoints.get(name)
            if endpoint is None:
                return await self._file(name, request)
            return await endpoint(peer, asked, request)
        except BadRequest as error:
            return Response.text(400, str(error))
        except Exception as error:
            self._source.log.part("monitor").error(f"monitoring {name} failed: {error!r}")
            return Response.text(500, "500 Internal Server Error")

    async def next_part(self, peer: Peer, body: Pieces, size: int) -> bytes:
        """About `size` bytes more of a body; fewer at its end."""
        return await self._source.turns.run(MONITORING, peer, _gather(body, size))

    def _endpoint_of(self, path: str) -> str | None:
        if self._base:
            if path == self._base:
                return "/"
            if not path.startswith(self._base + "/"):
                return None
            path = path[len(self._base) :]
            if path == "/":
                return None
        if _of_dashboard(path):
            return path if self._source.options.http_ui else None
        return path if path in self._endpoints else None

    # -- endpoints ----------------------------------------------------------------------------

    def _plain(
        self, read: Callable[[Query], T], make: Callable[[MonitorSource, T], Any]
    ) -> _Endpoint:
        """An endpoint with a small answer, made at once."""

        async def endpoint(peer: Peer, asked: Query, request: Request) -> Response:
            return _json(pretty(make(self._source, read(asked))))

        return endpoint

    def _sliced(
        self,
        read: Callable[[Query], T],
        make: Callable[[MonitorSource, T], Work[Pieces]],
        headers: Sequence[tuple[str, str]] = _FOR_BROWSERS,
    ) -> _Endpoint:
        """An endpoint whose answer may be long."""

        async def endpoint(peer: Peer, asked: Query, request: Request) -> Response:
            work = make(self._source, read(asked))
            body = await self._source.turns.run(MONITORING, peer, work)
            return Response(200, JSON, body, list(headers))

        return endpoint

    async def _index(self, peer: Peer, asked: Query, request: Request) -> Response:
        text = index.page(self._source.name, self._base, self._source.options.http_ui)
        return Response(200, HTML, iter((text,)))

    async def _file(self, name: str, request: Request) -> Response:
        """Of the dashboard."""
        if name == UI + "/":  # of the page's own addresses: a proxy may have others before it
            return Response(307, HTML, iter(()), [("Location", f"..{UI}")])
        file = PAGE if name == UI else name.removeprefix(UI + "/")
        return await self._files.answer(file, request) or _not_found()

    async def _varz(self, peer: Peer, asked: Query, request: Request) -> Response:
        return _json(pretty(varz.varz(self._source, self._usage)))

    async def _healthz(self, peer: Peer, asked: Query, request: Request) -> Response:
        status, body = await self._health(peer, asked)
        return _json(compact(body), status)

    async def _health(self, peer: Peer, asked: Query) -> tuple[int, healthz.Health]:
        work = healthz.healthz(self._source, query.healthz(asked))
        return await self._source.turns.run(PROBES, peer, work)

    async def _raftz(self, peer: Peer, asked: Query, request: Request) -> Response:
        return Response.text(404, absent.NO_RAFT_NODES)

    async def _stacksz(self, peer: Peer, asked: Query, request: Request) -> Response:
        return Response.text(200, stacksz.stacks())

    async def _debug_vars(self, peer: Peer, asked: Query, request: Request) -> Response:
        found = varz.variables(self._usage.resident_bytes())
        return Response(200, f"{JSON}; charset=utf-8", iter((pretty(found) + b"\n",)))

    async def _metrics(self, peer: Peer, asked: Query, request: Request) -> Response:
        per_stream = not asked.text("streams") or asked.flag("streams")
        is_open = wants_open_metrics(request.accept)
        work = page(self._source, self._usage, self._guard.refusals, per_stream, is_open)
        body = await self._source.turns.run(MONITORING, peer, work)
        return Response(200, content_type(is_open), body)


def _gather(body: Pieces, size: int) -> Work[bytes]:
    """The next `size` bytes of a body, or a little more."""
    parts: list[bytes] = []
    length = 0
    for piece in body:
        if piece:
            parts.append(piece)
            length += len(piece)
            if length >= size:
                break
        else:
            yield
    return b"".join(parts)


_COUNTED_AS = {"/subscriptionsz": "/subsz"}
_UNCOUNTED = {"/debug/vars", "/ipqueuesz", "/raftz"}  # as in the real server


_LONG = {
    "/connz", "/subsz", "/subscriptionsz", "/accountz", "/accstatz", "/jsz", "/metrics",
    "/ui/accounts", "/ui/streams", "/ui/consumers",
}  # fmt: skip
_TELLING = ("account", "stream", "consumer", "details")  # parameters that say what there is


def _json(text: bytes, status: int = 200) -> Response:
    return Response(status, JSON, iter((text,)), list(_FOR_BROWSERS))


def _not_found() -> Response:
    response = Response.text(404, NOT_FOUND)
    response.headers.append(("X-Content-Type-Options", "nosniff"))
    return response


def _not_allowed() -> Response:
    response = Response.text(405, "405 Method Not Allowed\n")
    response.headers.append(("Allow", ", ".join(READING)))
    return response


def _of_dashboard(path: str) -> bool:
    return path == UI or path.startswith(UI + "/")


def _clean(path: str) -> str:
    """The path without empty and dot segments; keeps a trailing slash."""
    cleaned = posixpath.normpath("/" + path.lstrip("/"))
    return cleaned + "/" if path.endswith("/") and cleaned != "/" else cleaned


def _redirect(path: str, query: str) -> Response:
    target = quote(path) + (f"?{query}" if query else "")
    body = f'<a href="{escape(target)}">Temporary Redirect</a>.\n\n'
    return Response(307, HTML, iter((body.encode(),)), [("Location", target)])
