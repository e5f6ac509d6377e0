"""Servers asked through the system account: `$SYS`, without any monitoring port.

Loads nats-py when the first one is asked.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Coroutine, Sequence
from typing import TYPE_CHECKING, Any, Final, TypeVar

from pynats_cli.errors import CliError
from pynats_cli.global_options import GlobalOptions

from pynats_top.collect.source import (
    ACCOUNTS,
    ACCOUNTS_MAX,
    CONNECTIONS,
    CONSUMERS,
    ENDED,
    SLOW,
    SLOWEST,
    STREAMS,
    Poll,
    SourceError,
    Want,
)
from pynats_top.model.values import mapping, objects, text

if TYPE_CHECKING:
    from pynats_cli.connect.session import Session

_T = TypeVar("_T")
_ACCOUNTS: Final = "$SYS.REQ.ACCOUNT.PING.STATZ"


class SystemAccount:
    """One connection for all servers, opened when it is needed and again when it was given up."""

    def __init__(self, options: GlobalOptions) -> None:
        self._options = options
        self._session: Session | None = None
        self._one = asyncio.Lock()
        self._asked: set[str] = set()  # what servers are asked by

    @property
    def connected(self) -> bool:
        """Whether there is a connection now."""
        return self._session is not None and bool(self._session.client.is_connected)

    async def session(self) -> Session:
        """A connected session. Raises CliError."""
        async with self._one:
            if self._session is None or self._session.client.is_closed:
                from pynats_cli.connect.opening import connect
                from pynats_cli.connect.settings import resolve_settings

                self._session = await connect(self._options, resolve_settings(self._options))
            return self._session

    async def servers(self, names: Sequence[str]) -> list[SystemSource]:
        """The servers with these names or ids; all that there are without names. Raises
        CliError."""
        from pynats_cli.servers.system import requests

        known = await self._answering()
        for name in names:
            if not any(name in server for server in known):
                raise CliError(f'server "{name}" did not answer, ensure that it exists')
        found = self._sources(known)
        if names:
            found = [each for each in found if {each.label, each.id} & set(names)]
        if not found:
            raise CliError(requests.NO_RESULTS)
        self._asked |= {each.server for each in found}
        return found

    async def newcomers(self) -> list[SystemSource]:
        """The servers that have come since. Raises SourceError."""
        known = await _told(self._answering())
        found = [
            each for each in self._sources(known) if not {each.server, each.label} & self._asked
        ]
        self._asked |= {each.server for each in found}
        return found

    async def _answering(self) -> list[tuple[str, str]]:
        """Names and ids."""
        from pynats_cli.servers.system import requests

        answers = await requests.ask(await self.session(), "")
        servers = [mapping(answer.get("server")) for answer in answers]
        return sorted((text(server.get("name")), text(server.get("id"))) for server in servers)

    def _sources(self, known: Sequence[tuple[str, str]]) -> list[SystemSource]:
        """A server that starts again has another id, but its name, if it was given one."""
        often = Counter(name for name, _ in known)
        return [
            SystemSource(self, server_id if often[name] > 1 or not name else name, name, server_id)
            for name, server_id in known
        ]

    async def close(self) -> None:
        """Ends."""
        if self._session is not None:
            await self._session.client.close()
            self._session = None


class SystemSource:
    """See Source. `server` is the name or the id that it is asked by; `id` what it was first."""

    def __init__(
        self, account: SystemAccount, server: str, name: str = "", server_id: str = ""
    ) -> None:
        self._account = account
        self.server = server
        self.id = server_id
        self.label = name or server

    async def poll(self, want: Want) -> Poll:
        """See Source. All is asked for at once: the way to a server may be long."""
        poll = Poll(time.monotonic())
        asked = _asked(want)
        asking = [self._ask("VARZ", {}), *(self._ask(kind, body) for _, kind, body in asked)]
        poll.varz, *answers = await asyncio.gather(*asking)
        for (field, _, _), answer in zip(asked, answers, strict=True):
            setattr(poll, field, answer)
        return poll

    def due_in_s(self, interval_s: float) -> float:
        """See Source."""
        return interval_s

    async def connection(self, cid: int) -> dict[str, Any] | None:
        """See Source."""
        request = {"cid": cid, "subscriptions": True, "subscriptions_detail": True, "auth": True}
        found = objects((await self._ask("CONNZ", request)).get("connections"))
        return found[0] if found else None

    async def close(self) -> None:
        """See Source. The connection of all sources is closed by SystemAccount."""

    async def _ask(self, kind: str, request: dict[str, Any]) -> dict[str, Any]:
        """The data of an answer. Raises SourceError."""
        return await _told(self._data(kind, request))

    async def _data(self, kind: str, request: dict[str, Any]) -> dict[str, Any]:
        from pynats_cli.servers.system import requests

        session = await self._account.session()
        if kind == _ACCOUNTS:
            document = await self._accounts(session, request)
        else:
            document = await requests.answer_of(
                session, self.server, kind, request, compressed=True
            )
        return requests.data_of(document)

    async def _accounts(self, session: Session, request: dict[str, Any]) -> dict[str, Any]:
        """Figures of accounts are asked for by another subject, of all servers or by a name."""
        from pynats_cli.servers.system import requests

        by_name = self.server == self.label
        servers = requests.ServerFilter(name=self.server if by_name else "")
        answers = await requests.scatter(
            session,
            _ACCOUNTS,
            request | servers.fields(),
            expect=1 if by_name else 0,
            compressed=True,
        )
        for answer in answers:
            if self.server in (answer.server.get("id"), answer.server.get("name")):
                return answer.document
        raise CliError(f'server "{self.server}" did not answer')


async def _told(work: Coroutine[Any, Any, _T]) -> _T:
    """Raises SourceError for whatever a question over a connection raises."""
    from nats import errors as nats_errors
    from pynats_cli.connect.errors import describe

    try:
        return await work
    except (CliError, TimeoutError, nats_errors.Error, OSError) as error:
        raise SourceError(describe(error)) from None


def _asked(want: Want) -> list[tuple[str, str, dict[str, Any]]]:
    """The field of a poll, the kind of request, and the request of all that is wanted."""
    asked: list[tuple[str, str, dict[str, Any]]] = []
    if CONNECTIONS in want.parts:
        request: dict[str, Any] = {"limit": want.limit, "sort": want.server_sort}
        request |= {"subscriptions": True} if want.subscriptions else {}
        request |= {"auth": True} if want.auth else {}
        asked.append(("connz", "CONNZ", request))
    if ACCOUNTS in want.parts:
        asked.append(("accounts", _ACCOUNTS, {"include_unused": True}))
    if STREAMS in want.parts or CONSUMERS in want.parts:
        request = {"accounts": True, "streams": True, "config": True, "limit": ACCOUNTS_MAX}
        request |= {"consumer": True} if CONSUMERS in want.parts else {}
        asked.append(("jsz", "JSZ", request))
    if SLOW in want.parts:
        common = {"subscriptions": True, "auth": True}
        ended = {"state": 1, "sort": "stop", "limit": ENDED}
        asked += [
            ("pending", "CONNZ", {"sort": "pending", "limit": SLOWEST, **common}),
            ("closed", "CONNZ", {**ended, **common}),
        ]
    return asked
