"""Requests that every server answers: how many answers to wait for, and for how long.

A server answers `$SYS.REQ.SERVER.PING.<KIND>` with {"server": …, "data": …} or {"server": …,
"error": …}; nothing marks the last answer. Who knows how many servers there are waits for that
many; else waiting ends a short time after the last answer.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pynats_cli.documents import object_of
from pynats_cli.errors import CliError
from pynats_cli.servers.system.compression import ACCEPTED, can_decompress, decompressed

if TYPE_CHECKING:
    from pynats_cli.connect.session import Session

QUIET_S = 0.3
ITEMS_MAX = 10_000_000  # of a listing in pages
"""After an answer, the next one is waited for this long."""

NO_RESULTS = (
    "no results received, ensure the account used has system privileges and appropriate permissions"
)
_PING = "$SYS.REQ.SERVER.PING"
_ID_LENGTH = 56  # a server's id is its public nkey
_NO_RESPONDERS = "503"
_TOTALS = {"account_details": "accounts"}  # elsewhere the number of all items is "total"


@dataclass(frozen=True)
class Answer:
    """What one server said, and how long after the request."""

    document: dict[str, Any]
    after_s: float

    @property
    def server(self) -> dict[str, Any]:
        """Who said it: name, id, cluster, host, ver, tags."""
        return _object(self.document.get("server"))


@dataclass(frozen=True, kw_only=True)
class ServerFilter:
    """Which servers are to answer; names are whole, every tag must be there."""

    name: str = ""
    host: str = ""
    cluster: str = ""
    tags: Sequence[str] = ()

    def __bool__(self) -> bool:
        return bool(self.name or self.host or self.cluster or self.tags)

    def fields(self) -> dict[str, Any]:
        """The fields of a request."""
        given = {
            "server_name": self.name,
            "cluster": self.cluster,
            "host": self.host,
            "tags": list(self.tags),
        }
        return {key: value for key, value in given.items() if value} | {"exact_match": True}

    def takes(self, server: dict[str, Any]) -> bool:
        """Whether a server that describes itself so would answer."""
        tags = {str(tag).lower() for tag in server.get("tags") or ()}
        return (
            self.name in ("", server.get("name"))
            and self.host in ("", server.get("host"))
            and self.cluster in ("", server.get("cluster", ""))
            and all(tag.lower() in tags for tag in self.tags)
        )


EVERYONE = ServerFilter()


async def scatter(
    session: Session,
    subject: str,
    request: object,
    *,
    expect: int = 0,
    seen: Callable[[Answer], None] | None = None,
    compressed: bool = False,
) -> list[Answer]:
    """Answers to one request: `expect` of them within the timeout, or with 0 until none came for a
    while. `seen` is called as each comes. Raises CliError when nobody may or can answer.

    `compressed` lets servers compress their answers, if we can read that here."""
    came: asyncio.Queue[tuple[float, Any]] = asyncio.Queue()

    async def keep(message: Any) -> None:
        came.put_nowait((time.monotonic(), message))

    inbox = session.inbox
    subscription = await session.client.subscribe(inbox, cb=keep)
    try:
        _trace(session, f">>> {subject}: {_text(request)}")
        begin = time.monotonic()
        headers = ACCEPTED if compressed and can_decompress() else None
        await session.client.publish(subject, _text(request).encode(), reply=inbox, headers=headers)
        await session.check()  # it may be refused
        answers: list[Answer] = []
        while not expect or len(answers) < expect:
            quiet = bool(answers) and not expect
            left_s = QUIET_S if quiet else begin + session.options.timeout_s - time.monotonic()
            answer = await _next(session, came, begin, left_s)
            if answer is None:
                break
            answers.append(answer)
            if seen is not None:
                seen(answer)
        return answers
    finally:
        await subscription.unsubscribe()


async def _next(
    session: Session, came: asyncio.Queue[tuple[float, Any]], begin: float, left_s: float
) -> Answer | None:
    """The next answer; None when none comes in time."""
    try:
        at, message = await session.unless_refused(asyncio.wait_for(came.get(), max(left_s, 0)))
    except TimeoutError:
        return None
    if not message.data and _status(message) == _NO_RESPONDERS:
        raise CliError(NO_RESULTS)
    data = decompressed(message)
    _trace(session, f"<<< {data.decode(errors='replace')}")
    return Answer(object_of(data, "invalid JSON in the answer of a server"), at - begin)


async def active_servers(session: Session) -> int:
    """How many servers there are, as far as the first one that answers knows."""
    for answer in await scatter(session, _PING, {}, expect=1):
        return int(_object(answer.document.get("statsz")).get("active_servers") or 0)
    raise CliError(NO_RESULTS)


async def gather(
    session: Session,
    kind: str,
    request: dict[str, Any] | None = None,
    *,
    expect: int = 0,
    servers: ServerFilter = EVERYONE,
) -> list[Answer]:
    """What the servers say to `$SYS.REQ.SERVER.PING.<kind>`; an empty kind is STATSZ.

    Without `expect`, and if all are asked, as many are waited for as one of them knows of.
    """
    if not expect and not servers:
        expect = await active_servers(session)
    body = (request or {}) | servers.fields()
    subject = f"{_PING}.{kind}" if kind else _PING
    return await scatter(session, subject, body, expect=expect)


async def ask(
    session: Session,
    kind: str,
    request: dict[str, Any] | None = None,
    *,
    expect: int = 0,
    servers: ServerFilter = EVERYONE,
) -> list[dict[str, Any]]:
    """Documents of `gather`: {"server", "data" | "statsz" | "error"}, none if nobody matched."""
    answers = await gather(session, kind, request, expect=expect, servers=servers)
    return [answer.document for answer in answers]


async def ask_one(
    session: Session, server: str, kind: str, request: dict[str, Any] | None = None
) -> dict[str, Any]:
    """The document of one server, by its id or name. Raises CliError, also for its error."""
    document = await answer_of(session, server, kind, request)
    data_of(document)
    return document


async def answer_of(
    session: Session,
    server: str,
    kind: str,
    request: dict[str, Any] | None = None,
    *,
    compressed: bool = False,
) -> dict[str, Any]:
    """What one server, named by its id or name, says; an error, too. Raises CliError when it says
    nothing."""
    if _is_id(server):
        return await directed(session, server, kind, request, compressed=compressed)
    body = (request or {}) | ServerFilter(name=server).fields()
    subject = f"{_PING}.{kind}"
    answers = await scatter(session, subject, body, expect=1, compressed=compressed)
    if not answers:
        raise CliError(_unknown(server))
    return answers[0].document


async def directed(
    session: Session,
    server_id: str,
    kind: str,
    request: dict[str, Any] | None = None,
    *,
    compressed: bool = False,
) -> dict[str, Any]:
    """What the server with this id says to `$SYS.REQ.SERVER.<id>.<kind>`. Raises CliError."""
    subject = f"$SYS.REQ.SERVER.{server_id}.{kind}"
    answers = await scatter(session, subject, request or {}, expect=1, compressed=compressed)
    if not answers:
        raise CliError(_unknown(server_id))
    return answers[0].document


async def server_id(session: Session, server: str) -> str:
    """The id of a server that is named by its id or its name. Raises CliError."""
    if _is_id(server):
        return server
    # Not IDZ: every server answers it, whatever name it is asked for.
    for document in await ask(session, "", expect=1, servers=ServerFilter(name=server)):
        found = _object(document.get("server"))
        if found.get("name") == server and found.get("id"):
            return str(found["id"])
    raise CliError(_unknown(server))


def _is_id(server: str) -> bool:
    return len(server) == _ID_LENGTH and server.startswith("N")


def _unknown(server: str) -> str:
    return f'server "{server}" did not answer, ensure that it exists'


async def first_answer(
    session: Session, kind: str, request: dict[str, Any] | None = None
) -> dict[str, Any]:
    """The document of whichever server answers first."""
    answers = await scatter(session, f"{_PING}.{kind}", request or {}, expect=1)
    if not answers:
        raise CliError(NO_RESULTS)
    return answers[0].document


async def ask_paged(
    session: Session,
    kind: str,
    items: str,
    request: dict[str, Any],
    *,
    expect: int = 0,
    servers: ServerFilter = EVERYONE,
) -> list[dict[str, Any]]:
    """Like `ask`, but every page: the field `items` of each server's data holds all of them.

    `request` has a "limit". Pages are asked of each server alone, by its id.
    """
    documents = await ask(session, kind, request, expect=expect, servers=servers)
    for document in documents:
        data = _object(document.get("data"))
        found = list(data.get(items) or [])
        server = str(_object(document.get("server")).get("id") or "")
        while server and len(found) < int(data.get(_TOTALS.get(items, "total")) or 0):
            page = await ask_one(session, server, kind, {**request, "offset": len(found)})
            more = _object(page.get("data")).get(items) or []
            if not more:  # fewer than it said: they have gone meanwhile
                break
            found += more
            if len(found) > ITEMS_MAX:
                raise CliError(f"the listing of {items} does not end: {len(found)} items so far")
        if items in data:
            data[items] = found
    return documents


def data_of(document: dict[str, Any]) -> dict[str, Any]:
    """The data of an answer. Raises CliError with the server's words for an error."""
    error = document.get("error")
    if isinstance(error, dict) and error:
        name = _object(document.get("server")).get("name", "")
        raise CliError(f"received an error from server {name}: {error_text(error)}")
    return _object(document.get("data"))


def error_text(error: dict[str, Any]) -> str:
    """An error of a server in one line."""
    return f"({int(error.get('code') or 0)}) {error.get('description') or 'unknown error'}"


def successful(documents: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """The answers without an error; raises CliError if there are answers, all of them errors."""
    documents = list(documents)
    good = [document for document in documents if not document.get("error")]
    if documents and not good:
        data_of(documents[0])
    return good


def _object(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _status(message: Any) -> str:
    from pynats_cli.connect.headers import header_pairs

    return dict(header_pairs(message)).get("Status", "")


def _text(request: object) -> str:
    return json.dumps(request, separators=(",", ":"))


def _trace(session: Session, text: str) -> None:
    if session.options.trace:
        from pynats_cli.screen.output import log

        log(text)
