"""What happens in a server, told to whoever listens in its system account."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import ModuleType
from typing import TYPE_CHECKING

import msgspec

from pynats_server.auth import Refusal
from pynats_server.core.account import Account
from pynats_server.core.client import ClientConnection
from pynats_server.core.reasons import CloseReason
from pynats_server.options import GLOBAL_ACCOUNT
from pynats_server.server.state import ServerState
from pynats_server.system.events import accounts, clients
from pynats_server.system.events.outbox import Body, Outbox
from pynats_server.system.events.pace import Pace
from pynats_server.system.server_block import ServerBlock
from pynats_server.work import Late

if TYPE_CHECKING:
    from pynats_server.monitor.varz import Usage

REFUSED_IN_ACCOUNT = b"$SYS.ACCOUNT.CLIENT.AUTH.ERR"


class Events:
    """Of one server; on the loop's thread. Before `start` and after the last event nothing is
    told."""

    def __init__(self, state: ServerState, block: ServerBlock) -> None:
        self._state = state
        self.block = block
        self._outbox = Outbox(state, block)
        self._pace: Pace | None = None
        self._repeats: accounts.Repeats | None = None
        self._usage: Usage | None = None
        self._late = Late("pynats_server.system.statsz")

    # -- the server's life --------------------------------------------------------------------

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """From now on."""
        self._repeats = accounts.Repeats(loop, self._repeat)
        self._pace = Pace(loop, self.tell_figures)
        self._pace.start()

    def tell_figures(self) -> None:
        """STATSZ: how the server is. Monitoring, which knows that, is loaded when the first one
        listens."""
        if self._repeats is None:
            return
        subject = f"$SYS.SERVER.{self._state.id}.STATSZ"
        if self._late.is_there or not self._state.system_account.has_interest(subject.encode()):
            self._tell(subject, self._figures)
        else:
            self._late.load().add_done_callback(self._loaded)

    def _loaded(self, loading: asyncio.Future[ModuleType]) -> None:
        if loading.cancelled():
            return
        if error := loading.exception():
            self._state.log.error(f"the server's figures can not be told: {error!r}")
        else:
            self.tell_figures()

    def _figures(self) -> Body:
        from pynats_server.monitor.varz import Usage
        from pynats_server.system.statsz import Told, statsz

        usage = self._usage = self._usage or Usage()
        return lambda server: Told(server=server, statsz=statsz(self._state, usage))

    def lame_duck(self) -> None:
        """No new clients come; as with the real server, it is the last that is told. What waits is
        published in its turn, because clients are still served."""
        self._end("LAMEDUCK")

    def shut_down(self) -> None:
        """The server ends, its clients are still there. Nothing is told of their ends."""
        self._end("SHUTDOWN")
        self._outbox.flush()

    def _end(self, last: str) -> None:
        if self._repeats is None or self._pace is None:
            return
        self._tell(f"$SYS.SERVER.{self._state.id}.{last}", lambda: _bare)
        self._repeats.stop()
        self._pace.stop()
        self._repeats = None

    # -- clients ------------------------------------------------------------------------------

    def connected(self, client: ClientConnection) -> None:
        """A client has logged in, and has joined its account."""
        if self._repeats is None:
            return
        account = client.account
        self._count(account, len(account.clients), account.sublist.count)
        self._tell(
            f"$SYS.ACCOUNT.{account.name}.CONNECT",
            lambda: clients.connected(client, self._state.name_tag(account.name)),
            account,
        )

    def left(self, client: ClientConnection) -> None:
        """A client is about to leave its account, because it logs in again."""
        self._count_without(client)

    def refused(self, client: ClientConnection, refusal: Refusal) -> None:
        """A log-in failed. As with the real server, its account is not told of a proxy that is not
        trusted."""
        if self._repeats is None or refusal.reason is CloseReason.PROXY_NOT_TRUSTED:
            return
        account = self._state.accounts.get(refusal.account) or self._state.global_account
        why = refusal.warning or str(refusal.reason)
        self._tell_in(
            account,
            REFUSED_IN_ACCOUNT,
            lambda: clients.disconnected(client, account.name, GLOBAL_ACCOUNT, why),
        )

    def closed(self, client: ClientConnection, reason: CloseReason) -> None:
        """A client has gone. Its figures can still be read, and its account still counts it."""
        if self._repeats is None:
            return
        account = clients.account_of(client)
        if client.account is not None and client in client.account.clients:
            self._count_without(client)

        def make() -> Body:
            tag = self._state.name_tag(account)
            return clients.disconnected(client, account, tag, str(reason))

        if reason in _REFUSALS:
            self._tell(f"$SYS.SERVER.{self._state.id}.CLIENT.AUTH.ERR", make)
        self._tell(f"$SYS.ACCOUNT.{account}.DISCONNECT", make)

    # -- accounts -----------------------------------------------------------------------------

    def _count_without(self, client: ClientConnection) -> None:
        account = client.account
        subscriptions = account.sublist.count - client.subscription_count
        self._count(account, len(account.clients) - 1, subscriptions)

    def _count(self, account: Account, count: int, subscriptions: int) -> None:
        """An account has `count` connections. Of the global one nobody keeps account."""
        if self._repeats is None or account.name == GLOBAL_ACCOUNT:
            return
        made: list[Body] = []

        def make() -> Body:
            if not made:
                tag = self._state.name_tag(account.name)
                made.append(accounts.connections(account, tag, count, subscriptions))
            return made[0]

        self._tell(f"$SYS.SERVER.ACCOUNT.{account.name}.CONNS", make, account)
        self._tell(f"$SYS.ACCOUNT.{account.name}.SERVER.CONNS", make, account)
        self._repeats.told(account, count)

    def _repeat(self, account: Account) -> None:
        self._count(account, len(account.clients), account.sublist.count)

    # -- who listens --------------------------------------------------------------------------

    def _tell(self, subject: str, make: Callable[[], Body], of: Account | None = None) -> None:
        """In the system account. What happens in that account itself is told to whoever listens
        when this turn ends: who comes may subscribe together with its CONNECT."""
        account = self._state.system_account
        self._tell_in(account, subject.encode(), make, of is account)

    def _tell_in(
        self, account: Account, subject: bytes, make: Callable[[], Body], soon: bool = False
    ) -> None:
        # With a space in its account's name, a subject would be no subject for those who get it.
        if (soon or account.has_interest(subject)) and len(subject.split()) == 1:
            self._outbox.add(account, subject, make())
        else:
            self._outbox.skip()


_REFUSALS = (
    CloseReason.AUTHENTICATION_VIOLATION,
    CloseReason.PROXY_NOT_TRUSTED,
    CloseReason.PROXY_REQUIRED,
)


def _bare(server: msgspec.Raw) -> object:
    return server
