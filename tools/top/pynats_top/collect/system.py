"""Servers asked through the system account: `$SYS`, without any monitoring port.

Loads nats-py when the first one is asked.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

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

_ACCOUNTS: Final = "$SYS.REQ.ACCOUNT.PING.STATZ"


class SystemAccount:
    """One connection for all servers, opened when it is needed and again when it was given up."""

    def __init__(self, options: GlobalOptions) -> None:
        self._options = options
        self._session: Session | None = None
        self._one = asyncio.Lock()

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

        session = await self.session()
        answers = await requests.ask(session, "")
        found = [mapping(answer.get("server")) for answer in answers]
        known = [(text(server.get("name")), text(server.get("id"))) for server in found]
        for name in names:
            if not any(name in server for server in known):
                raise CliError(f'server "{name}" did not answer, ensure that it exists')
        chosen = [server for server in known if not names or set(names) & set(server)]
        if not chosen:
            raise CliError(requests.NO_RESULTS)
        often = [name for name, _ in known]
        # A server that starts again has another id, but its name, if it was given one.
        return [
            SystemSource(self, server_id if often.count(name) > 1 or not name else name, name)
            for name, server_id in sorted(chosen)
        ]

    async def close(self) -> None:
        """Ends."""
        if self._session is not None:
            await self._session.client.close()
            self._session = None


class SystemSource:
    """See Source. `server` is the name or the id that it is asked by."""

    def __init__(self, account: SystemAccount, server: str, name: str = "") -> None:
        self._account = account
        self._server = server
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
        from nats import errors as nats_errors
        from pynats_cli.connect.errors import describe
        from pynats_cli.servers.system import requests

        try:
            session = await self._account.session()
            if kind == _ACCOUNTS:
                document = await self._accounts(session, request)
            else:
                document = await requests.answer_of(
                    session, self._server, kind, request, compressed=True
                )
            return requests.data_of(document)
        except (CliError, TimeoutError, nats_errors.Error, OSError) as error:
            raise SourceError(describe(error)) from None

    async def _accounts(self, session: Session, request: dict[str, Any]) -> dict[str, Any]:
        """Figures of accounts are asked for by another subject, of all servers or by a name."""
        from pynats_cli.servers.system import requests

        by_name = self._server == self.label
        servers = requests.ServerFilter(name=self._server if by_name else "")
        answers = await requests.scatter(
            session,
            _ACCOUNTS,
            request | servers.fields(),
            expect=1 if by_name else 0,
            compressed=True,
        )
        for answer in answers:
            if self._server in (answer.server.get("id"), answer.server.get("name")):
                return answer.document
        raise CliError(f'server "{self._server}" did not answer')


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
