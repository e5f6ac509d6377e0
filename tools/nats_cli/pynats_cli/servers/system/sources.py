"""Where a report's data comes from: servers that run, or an archive. Reports need not know."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Protocol

from pynats_cli.errors import CliError
from pynats_cli.servers.system import requests
from pynats_cli.servers.system.archive import Archive
from pynats_cli.servers.system.requests import EVERYONE, ServerFilter

if TYPE_CHECKING:
    from pynats_cli.connect.session import Session
    from pynats_cli.global_options import GlobalOptions


class Source(Protocol):
    """Answers of servers, as `ask` gives them."""

    async def ask(
        self,
        kind: str,
        request: dict[str, Any] | None = None,
        *,
        expect: int = 0,
        servers: ServerFilter = EVERYONE,
        account: str = "",
        items: str = "",
    ) -> list[dict[str, Any]]:
        """Documents with "server" and "data" or "error".

        With `items` every page of that list is read. `account` says whose data the request asks
        for: the request has it in its own fields, an archive keeps it apart.
        """


class LiveSource:
    """Servers, asked over a connection."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def ask(
        self,
        kind: str,
        request: dict[str, Any] | None = None,
        *,
        expect: int = 0,
        servers: ServerFilter = EVERYONE,
        account: str = "",
        items: str = "",
    ) -> list[dict[str, Any]]:
        if items:
            return await requests.ask_paged(
                self._session, kind, items, request or {}, expect=expect, servers=servers
            )
        return await requests.ask(self._session, kind, request, expect=expect, servers=servers)


class ArchiveSource:
    """What servers had answered to `audit gather`. The request's own filters do not apply."""

    def __init__(self, archive: Archive) -> None:
        self.archive = archive

    async def ask(
        self,
        kind: str,
        request: dict[str, Any] | None = None,
        *,
        expect: int = 0,
        servers: ServerFilter = EVERYONE,
        account: str = "",
        items: str = "",
    ) -> list[dict[str, Any]]:
        documents = [
            document
            for document in self.archive.answers(kind, account)
            if servers.takes(document.get("server") or {})
        ]
        return joined(documents, items) if items else documents


def joined(documents: list[dict[str, Any]], items: str) -> list[dict[str, Any]]:
    """Pages of one server as one document, with all of this list."""
    by_server: dict[str, dict[str, Any]] = {}
    for document in documents:
        server = str((document.get("server") or {}).get("id") or "")
        first = by_server.setdefault(server, document)
        if first is not document and isinstance(first.get("data"), dict):
            more = (document.get("data") or {}).get(items) or []
            first["data"][items] = [*(first["data"].get(items) or []), *more]
    return list(by_server.values())


@asynccontextmanager
async def open_source(options: GlobalOptions, archive: str = "") -> AsyncIterator[Source]:
    """An archive when one is named, a connection otherwise; closed at the end."""
    if archive:
        with Archive(archive) as opened:
            yield ArchiveSource(opened)
        return
    from pynats_cli.connect.opening import open_session

    async with open_session(options) as session:
        yield LiveSource(session)


def needs_answers(
    documents: list[dict[str, Any]], servers: ServerFilter = EVERYONE
) -> list[dict[str, Any]]:
    """Raises CliError when nobody answered, or all with an error; else those without one."""
    if not documents:
        raise CliError("no server matches the filters" if servers else requests.NO_RESULTS)
    return requests.successful(documents)
