"""Which path leads to which answer. Imported with the first request, for a fast start."""

from __future__ import annotations

import asyncio
import importlib
import posixpath
from collections.abc import Awaitable, Callable
from html import escape
from typing import Any
from urllib.parse import quote, unquote

from pynats_server.monitor import absent, accountz, healthz, index, jsz, stacksz, varz
from pynats_server.monitor.connz import connz
from pynats_server.monitor.gotext import WallClock
from pynats_server.monitor.http import Request, Response
from pynats_server.monitor.json import compact, pretty
from pynats_server.monitor.query import BadRequest, Query
from pynats_server.monitor.source import MonitorSource
from pynats_server.monitor.subsz import subsz

JSON = "application/json"
HTML = "text/html; charset=utf-8"
AT_ONCE = 4  # answers worked on at the same time; the others wait
NOT_FOUND = "404 page not found\n"

_Endpoint = Callable[[Query, Request], Awaitable[Response]]


class Endpoints:
    """Answers requests about one server. Changes only the `http_requests` of `source`."""

    def __init__(self, source: MonitorSource) -> None:
        self._source = source
        self._clock = WallClock()
        self._usage = varz.Usage()
        self._busy = asyncio.Semaphore(AT_ONCE)
        self._base = _clean("/" + source.options.http_base_path).rstrip("/")
        self._endpoints: dict[str, _Endpoint] = {
            "/": self._index,
            "/varz": self._varz,
            "/connz": self._connz,
            "/subsz": self._subsz,
            "/subscriptionsz": self._subsz,
            "/healthz": self._healthz,
            "/accountz": self._plain(accountz.accountz),
            "/accstatz": self._plain(accountz.accstatz),
            "/routez": self._plain(absent.routez),
            "/gatewayz": self._plain(absent.gatewayz),
            "/leafz": self._plain(absent.leafz),
            "/jsz": self._jsz,
            "/ipqueuesz": self._plain(absent.ipqueuesz),
            "/raftz": self._raftz,
            "/stacksz": self._stacksz,
            "/metrics": self._metrics,
        }

    async def answer(self, request: Request) -> Response:
        """The answer to one request, whatever its method (as the real server does)."""
        target = request.target
        if target.startswith(("http://", "https://")):  # the form that proxies use
            target = "/" + target.split("/", 3)[3] if target.count("/") >= 3 else "/"
        raw_path, _, raw_query = target.partition("?")
        path = unquote(raw_path)
        if path.startswith("/") and _clean(path) != path:
            return _redirect(_clean(path), raw_query)
        name = self._endpoint_of(path)
        if name is None:
            return _not_found()
        self._source.http_requests[_COUNTED_AS.get(name, name)] += 1
        async with self._busy:
            try:
                return await self._endpoints[name](Query(raw_query), request)
            except BadRequest as error:
                return Response.text(400, str(error))
            except Exception as error:
                self._source.log.error(f"monitoring {name} failed: {error!r}")
                return Response.text(500, "500 Internal Server Error")

    def _endpoint_of(self, path: str) -> str | None:
        if self._base:
            if path == self._base:
                return "/"
            if not path.startswith(self._base + "/"):
                return None
            path = path[len(self._base) :]
            if path == "/":
                return None
        return path if path in self._endpoints else None

    # -- endpoints ----------------------------------------------------------------------------

    def _plain(self, make: Callable[[MonitorSource, Query], Any]) -> _Endpoint:
        """An endpoint whose answer is small and made in one go."""

        async def endpoint(query: Query, request: Request) -> Response:
            return _json([pretty(make(self._source, query))])

        return endpoint

    async def _index(self, query: Query, request: Request) -> Response:
        return Response(200, HTML, [index.page(self._source.name, self._base)])

    async def _varz(self, query: Query, request: Request) -> Response:
        return _json([pretty(varz.varz(self._source, self._usage))])

    async def _connz(self, query: Query, request: Request) -> Response:
        return _json(await connz(self._source, query, self._clock))

    async def _subsz(self, query: Query, request: Request) -> Response:
        return _json(await subsz(self._source, query))

    async def _jsz(self, query: Query, request: Request) -> Response:
        return _json(await jsz.jsz(self._source, query))

    async def _healthz(self, query: Query, request: Request) -> Response:
        status, body = await healthz.healthz(self._source, query)
        return _json([compact(body)], status)

    async def _raftz(self, query: Query, request: Request) -> Response:
        return Response.text(404, absent.NO_RAFT_NODES)

    async def _stacksz(self, query: Query, request: Request) -> Response:
        return Response.text(200, stacksz.stacks())

    async def _metrics(self, query: Query, request: Request) -> Response:
        # The client library is slow to import: in a thread, and only when first asked for.
        metrics = await asyncio.to_thread(
            importlib.import_module, "pynats_server.monitor.metrics.server"
        )
        per_stream = not query.text("streams") or query.flag("streams")
        families = metrics.collect(self._source, self._usage, per_stream)
        body, content_type = await asyncio.to_thread(metrics.exposition, families, request.accept)
        return Response(200, content_type, [body])


_COUNTED_AS = {"/subscriptionsz": "/subsz"}


def _json(parts: list[bytes], status: int = 200) -> Response:
    return Response(status, JSON, parts, [("Access-Control-Allow-Origin", "*")])


def _not_found() -> Response:
    response = Response.text(404, NOT_FOUND)
    response.headers.append(("X-Content-Type-Options", "nosniff"))
    return response


def _clean(path: str) -> str:
    """The path without empty and dot segments; a slash at its end stays."""
    cleaned = posixpath.normpath("/" + path.lstrip("/"))
    return cleaned + "/" if path.endswith("/") and cleaned != "/" else cleaned


def _redirect(path: str, query: str) -> Response:
    target = quote(path) + (f"?{query}" if query else "")
    body = f'<a href="{escape(target)}">Temporary Redirect</a>.\n\n'
    return Response(307, HTML, [body.encode()], [("Location", target)])
