"""What the parts of one server share: its options, identity, accounts and connections.

Parts take this instead of the whole `Server`, so that they do not depend on the composition.
Used on the loop's thread only.
"""

from __future__ import annotations

import collections
import secrets
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from pynats_common.records import dataclass

from pynats_server.accounts.parents import parents_of
from pynats_server.accounts.plan import Plan, ServiceLink, StreamLink
from pynats_server.accounts.registry import AccountRegistry
from pynats_server.accounts.wiring import Wiring
from pynats_server.auth.chain import Chain
from pynats_server.auth.own import Verify
from pynats_server.clients.closed import ClosedConnection
from pynats_server.core.account import Account
from pynats_server.core.client import ClientConnection
from pynats_server.core.engine import Engine
from pynats_server.core.reasons import CloseReason
from pynats_server.log.logger import Logger
from pynats_server.options import GLOBAL_ACCOUNT, AccountOptions, Options
from pynats_server.server.identity import Identity
from pynats_server.settings.texts import split_host_port
from pynats_server.work import Turns

if TYPE_CHECKING:
    from pynats_server.jetstream.manager import JetStream
    from pynats_server.operator import Claimed, ClaimedAccounts
    from pynats_server.operator.sharing import Taken
    from pynats_server.resolver.base import Resolver
    from pynats_server.tls.force import TlsInForce

CUT_KEPT = 10  # slow consumers that were cut, remembered for metrics


@dataclass(frozen=True, slots=True)
class ReloadReport:
    """What came of a reload: the configuration that counts since then, or why it does not."""

    time: float  # seconds since 1970
    fault: str  # empty = all of it was applied
    changes: tuple[str, ...]  # what is different, a line for each

    def document(self) -> dict[str, object]:
        """For answers in JSON."""
        found: dict[str, object] = {"applied": not self.fault, "changes": list(self.changes)}
        return found | ({"error": self.fault} if self.fault else {})


class ServerState:
    """Facts about a server that is starting, running or stopping. Times are seconds since 1970.

    `engine` and `turns` exist from `Server.start` on; `options`, `plan` and `authenticator` are
    replaced whole by a reload, so read them here each time.
    """

    def __init__(
        self, options: Options, log: Logger, program: str, authenticator: Verify | None = None
    ) -> None:
        self.options = options
        self.log = log
        self.program = program
        self.identity = Identity()
        self.id = self.identity.id
        self.name = options.server_name or self.id
        self.start_time = self.config_load_time = time.time()
        self.accounts = AccountRegistry(options)
        self.resolver: Resolver | None = None  # of operator mode
        self.claimed: ClaimedAccounts | None = None  # in operator mode, once that has begun
        self._own_authenticator = authenticator
        self._spare_guest = f"nats-{secrets.token_hex(4)}"
        self.authenticator = self.make_authenticator()
        self.closed_clients: collections.deque[ClosedConnection] = collections.deque(
            maxlen=max(0, options.max_closed_clients)
        )
        self.closed_for: collections.Counter[CloseReason] = collections.Counter()
        self.tls_clients = 0  # open connections with TLS
        self.handshakes: collections.Counter[str] = collections.Counter()  # by version of TLS
        self.handshakes_failed = 0
        self.log_ins: collections.Counter[str] = collections.Counter()  # by `Verdict.method`
        self.refusals: collections.Counter[str] = collections.Counter()  # by what was presented
        self.cut_clients: collections.deque[ClosedConnection] = collections.deque(maxlen=CUT_KEPT)
        self.http_requests: collections.Counter[str] = collections.Counter()  # by endpoint
        self.engine: Engine
        self.turns: Turns
        self._wiring: Wiring | None = None
        self.plan = Plan()  # what is in force
        self.jetstream: JetStream | None = None
        self.jetstream_failed = False  # it is wanted, and could not start
        self.client_port = 0
        self.http_port = 0
        self.https_port = 0
        self.tls: TlsInForce | None = None  # of clients
        self.ready = False
        self.last_reload: ReloadReport | None = None
        self.kept: dict[object, Any] = {}  # what ways to log in keep across reloads

    @property
    def global_account(self) -> Account:
        """`$G`: the account of clients without another account."""
        return self.accounts.global_account

    @property
    def system_account(self) -> Account:
        """The system account."""
        return self.accounts.system_account

    @property
    def auth_required(self) -> bool:
        """Whether INFO says that credentials are required; false with `no_auth_user`."""
        return self.authenticated and not self.options.no_auth_user

    @property
    def authenticated(self) -> bool:
        """Whether clients log in as somebody, be it as `no_auth_user`."""
        return self.authenticator.required

    def blame_reload(self, fault: str) -> None:
        """Something that the last reload has begun came to nothing afterwards."""
        report = self.last_reload
        if report is not None:
            faults = filter(None, (report.fault, fault))
            self.last_reload = ReloadReport(report.time, "; ".join(faults), report.changes)

    def share(self, plan: Plan) -> None:
        """Puts in force what the options say of exports, imports, mappings and traces; the plan is
        made of them."""
        if self._wiring is None:
            self._wiring = Wiring(self.engine, self.accounts, self.name, self.id)
        self.plan = plan
        mappings = {name: each.mappings for name, each in self.options.accounts.items()}
        mappings[GLOBAL_ACCOUNT] = self.options.mappings
        self._wiring.apply(plan, mappings)
        for name, account in self.accounts.configured().items():
            account.trace(parents_of(self.account_options(name)))

    def account_options(self, name: str) -> AccountOptions | None:
        """What is said of an account: by the configuration, or in operator mode by its JWT."""
        if self.claimed is not None:
            found = self.claimed.get(name)
            return found.options if found is not None else None
        return self.options.accounts.get(name)

    def name_tag(self, account: str) -> str:
        """What people call an account: in operator mode it is known by its key."""
        found = self.claimed.get(account) if self.claimed is not None else None
        return found.name if found is not None else account

    def adopt(self, claimed: Claimed) -> None:
        """An account of operator mode: it is there, and its mappings and traces hold."""
        account = self.accounts.claim(claimed.account, self.options)
        account.trace(parents_of(claimed.options))
        if self._wiring is not None:
            self._wiring.map(account, claimed.options.mappings)

    def take(self, account: str, taken: Taken, changed: str = "") -> None:
        """What an account of operator mode imports from now on, perhaps because another one has
        changed."""
        if self._wiring is not None:
            own = self.accounts[account]
            self._wiring.take(own, taken.streams, taken.services, changed)

    def drop_accounts(self) -> None:
        """Forgets the accounts that the options no longer name, once everybody has left them."""
        gone = self.accounts.remove(self.options)
        if gone and self._wiring is not None:
            self._wiring.forget_removed()

    def when_shared(self, done: Callable[[], object]) -> None:
        """Calls `done` when what was put in force holds for all subscriptions that were there: at
        once, unless there are very many."""
        if self._wiring is None:
            done()
        else:
            self._wiring.when_followed(done)

    def use(self, account: Account) -> None:
        """Somebody is about to come into an account: it has what every used account has."""
        if self._wiring is not None:
            self._wiring.use(account)

    def links_of(self, account: str) -> tuple[list[StreamLink], list[ServiceLink]]:
        """What an account imports."""
        return self._wiring.links_of(account) if self._wiring is not None else ([], [])

    def make_authenticator(self, options: Options | None = None) -> Chain:
        """A new authenticator, for the current options or those to come."""
        return Chain(
            options or self.options, self._spare_guest, self.claimed, self, self._own_authenticator
        )

    def warn_of_logins(self, text: str) -> None:
        """A line of the log, now and then."""
        self.log.part("auth").warn_rarely(text)

    def find_account(self, name: str) -> Account | None:
        """The account of this name, with what every used account has."""
        account = self.accounts.get(name)
        if account is not None:
            self.use(account)
        return account

    def clients(self) -> list[ClientConnection]:
        """All client connections."""
        return [c for c in self.engine.connections.values() if isinstance(c, ClientConnection)]

    def advertised(self) -> tuple[str, int]:
        """Host and port in INFO: `client_advertise` where set, else the listener's."""
        advertise = self.options.client_advertise
        if not advertise:
            return self.options.host, self.client_port
        host, port = split_host_port(advertise) or (advertise, "")
        return host, int(port) if port else self.client_port
