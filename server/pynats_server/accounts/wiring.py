"""Puts what accounts export, import and map into force, and changes it while they are in use."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from pynats_common.go.text import bytes_of
from pynats_common.ids.server_hash import server_hash

from pynats_server.accounts.automatic import automatic_links
from pynats_server.accounts.latency import Latency
from pynats_server.accounts.mappings import make_mapper
from pynats_server.accounts.plan import Plan, ServiceLink, StreamLink
from pynats_server.accounts.registry import AccountRegistry
from pynats_server.accounts.request_info import RequestInfo
from pynats_server.core.account import Account
from pynats_server.core.engine import Engine
from pynats_server.core.sharing.responses import KINDS, Terms
from pynats_server.core.sharing.services import ServiceExport, ServiceImport
from pynats_server.core.sharing.shadows import StreamImport, StreamImports, borrow
from pynats_server.options import DEFAULT_THRESHOLD_S, MappingTarget
from pynats_server.options import ServiceExport as Service

FOLLOW_AT_ONCE = 16384
"""Steps (`core/limits`) of a change in which subscriptions follow what accounts take of others now;
the others do so in turns. About 2 ms."""


class Wiring:
    """Of the accounts of one server."""

    def __init__(
        self, engine: Engine, accounts: AccountRegistry, server_name: str, server_id: str
    ) -> None:
        self._engine = engine
        self._accounts = accounts
        self._system = accounts.system_account
        self._who = RequestInfo(server_name)
        self._who_for_system = RequestInfo(server_name, to_system=True)
        self._suffix = f".{server_hash(server_id)}.T".encode()
        self._streams: dict[str, list[StreamLink]] = {}
        self._services: dict[str, list[tuple[ServiceLink, ServiceImport]]] = {}
        self._planned: dict[str, list[ServiceLink]] = {}  # services of the configuration
        # Accounts that somebody may ask in: they have imported what all do. Of thousands of
        # accounts most may have no client.
        self._used: set[str] = set()
        self._exports: dict[tuple[str, str], tuple[Service, ServiceExport]] = {}
        self._users: Counter[tuple[str, str]] = Counter()  # imports of each
        self._mappings: dict[str, dict[str, list[MappingTarget]]] = {}
        self._wired: dict[str, Account] = {}
        self._claimed: dict[str, list[ServiceLink]] = {}  # services of accounts of operator mode
        self._following = 0  # accounts of which some subscriptions have not followed yet
        self._waiting: list[Callable[[], object]] = []  # for the end of that

    def apply(self, plan: Plan, mappings: dict[str, dict[str, list[MappingTarget]]]) -> None:
        """All of it; what has not changed is left alone."""
        self._planned = plan.services
        until = self._engine.steps + FOLLOW_AT_ONCE
        self._used |= {self._accounts.global_account.name, self._accounts.system_account.name}
        self._used |= {link.exporter for links in plan.services.values() for link in links}
        for name, account in self._accounts.configured().items():
            self._map(account, mappings.get(name, {}))
            self._borrow(account, plan.streams.get(name, []), until)
            self._import(account, self._links(name, name in self._used))
            self._wired[name] = account

    def map(self, account: Account, mappings: dict[str, list[MappingTarget]]) -> None:
        """The mappings of one account, whoever else has some."""
        self._map(account, mappings)

    def take(
        self, account: Account, streams: list[StreamLink], services: list[ServiceLink],
        changed: str = "",
    ) -> None:  # fmt: skip
        """What one account of operator mode imports from now on. The others are left alone. Where
        it does so because another one has `changed`, what that withdraws is not answered late."""
        name = account.name
        self._claimed[name] = services
        for link in services:
            self.use(self._accounts[link.exporter])
        self._borrow(account, streams, self._engine.steps + FOLLOW_AT_ONCE)
        self._import(account, self._links(name, name in self._used), changed)

    def forget_removed(self) -> None:
        """After accounts were removed: one that comes back under its name is another one."""
        gone = [name for name, each in self._wired.items() if self._accounts.get(name) is not each]
        for name in gone:
            del self._wired[name]
            for link, found in self._services.pop(name, []):
                found.close()
                self._unused(link)
            self._streams.pop(name, None)
            self._mappings.pop(name, None)
            self._used.discard(name)

    def when_followed(self, done: Callable[[], object]) -> None:
        """Calls `done` when all that was applied holds for everybody: at once, as a rule."""
        if self._following:
            self._waiting.append(done)
        else:
            done()

    def _followed(self) -> None:
        self._following -= 1
        if not self._following:
            waiting, self._waiting = self._waiting, []
            for done in waiting:
                done()

    def use(self, account: Account) -> None:
        """An account gets a client. Idempotent."""
        if account.name not in self._used:
            self._used.add(account.name)
            self._import(account, self._links(account.name, used=True))

    def _links(self, name: str, used: bool) -> list[ServiceLink]:
        planned = self._claimed.get(name) or self._planned.get(name, [])
        system = self._accounts.system_account.name
        if not used or system not in self._accounts:
            return planned
        return planned + automatic_links(name, system, planned)

    def links_of(self, account: str) -> tuple[list[StreamLink], list[ServiceLink]]:
        """What an account imports, or will as soon as it is used."""
        return self._streams.get(account, []), self._links(account, used=True)

    def _map(self, account: Account, mappings: dict[str, list[MappingTarget]]) -> None:
        if self._mappings.get(account.name, {}) != mappings:
            self._mappings[account.name] = mappings
            account.map(make_mapper(mappings))

    def _borrow(self, account: Account, links: list[StreamLink], until: int) -> None:
        if self._streams.get(account.name, []) == links:
            return
        self._streams[account.name] = links
        imports = [
            StreamImport(
                account,
                self._accounts[link.exporter],
                bytes_of(link.names.pattern),
                link.names.rename,
                link.names.back,
                link.allow_trace,
            )
            for link in links
        ]
        self._following += 1
        taken = StreamImports(imports) if imports else None
        borrow(self._engine, account, taken, until, self._followed)

    def _import(self, account: Account, links: list[ServiceLink], changed: str = "") -> None:
        if not links and account.name not in self._services:
            return
        wanted = {_place(link): link for link in links}
        places = set(wanted)
        gone: list[ServiceLink] = []
        kept: list[tuple[ServiceLink, ServiceImport]] = []
        for link, found in self._services.get(account.name, []):
            if wanted.get(_place(link)) == link:
                kept.append((link, found))
                del wanted[_place(link)]
                continue
            if link.exporter == changed and _place(link) not in places:
                found.withdraw()
            else:
                found.close()
            gone.append(link)
        kept += [(link, self._made(account, link)) for link in wanted.values()]
        self._services[account.name] = kept
        for link in gone:  # what is imported otherwise now keeps what its export has in common
            self._unused(link)

    def _unused(self, link: ServiceLink) -> None:
        """By one import less."""
        key = _offer(link)
        self._users[key] -= 1
        if not self._users[key]:
            del self._users[key], self._exports[key]

    def _made(self, account: Account, link: ServiceLink) -> ServiceImport:
        exporter = self._accounts[link.exporter]
        self._users[_offer(link)] += 1
        return ServiceImport(
            self._engine,
            account,
            exporter,
            bytes_of(".".join(link.names.source)),
            link.names.rename,
            self._export(link),
            self._who_for_system if exporter is self._system else self._who,
            link.share,
        )

    def _export(self, link: ServiceLink) -> ServiceExport:
        key = _offer(link)
        known = self._exports.get(key)
        if known is not None and known[0] == link.service:
            return known[1]
        threshold_s = link.service.threshold if link.service.threshold > 0 else DEFAULT_THRESHOLD_S
        terms = Terms(KINDS[link.service.response], int(threshold_s * 1e9))
        latency = None
        if link.service.latency is not None:
            exporter = self._accounts[link.exporter]
            latency = Latency(self._engine, exporter, link.service.latency, self._who, self._suffix)
        made = ServiceExport(terms, latency, link.service.allow_trace)
        self._exports[key] = (link.service, made)
        return made


def _place(link: ServiceLink) -> tuple[str, tuple[str, ...]]:
    """What no two imports of an account have in common: the exporter and the subject here."""
    return link.exporter, link.names.source


def _offer(link: ServiceLink) -> tuple[str, str]:
    """The export that an import uses: the exporter and the subject there."""
    return link.exporter, link.service.subject
