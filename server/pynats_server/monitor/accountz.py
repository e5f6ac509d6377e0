"""/accountz and /accstatz: accounts and their traffic."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from itertools import chain, islice
from typing import Any, TypeVar

import msgspec
from pynats_common.go.times import format_time_s

from pynats_server.monitor import sharing
from pynats_server.monitor.json import ITEMS, Document, Pieces, encoded, entry, pretty
from pynats_server.monitor.options import AccountzOptions, AccstatzOptions, BadRequest
from pynats_server.monitor.sharing import ExportInfo, ImportInfo, TargetInfo
from pynats_server.monitor.source import AccountView, ClaimView, MonitorSource, system_account_name
from pynats_server.monitor.subsz import SublistFigures, figures
from pynats_server.monitor.traffic import Traffic, traffic_in, traffic_out
from pynats_server.options import MappingTarget
from pynats_server.work import Work

T = TypeVar("T")


class IssueInfo(msgspec.Struct, kw_only=True):
    """Something that is wrong with a JWT."""

    description: str
    blocking: bool
    time_check: bool


class AccountDetail(msgspec.Struct, omit_defaults=True, kw_only=True):
    account_name: str
    update_time: str = ""
    is_system: bool = False
    expired: bool
    complete: bool
    jetstream_enabled: bool
    leafnode_connections: int
    client_connections: int
    subscriptions: int
    mappings: dict[str, list[TargetInfo]] | None = None
    exports: list[ExportInfo] | None = None
    imports: list[ImportInfo] | None = None
    jwt: str = ""
    issuer_key: str = ""
    name_tag: str = ""
    tags: list[str] = msgspec.field(default_factory=list)
    decoded_jwt: dict[str, Any] | None = None
    validation_result_jwt: list[IssueInfo] | None = None
    revoked_user: dict[str, str] | None = None
    sublist_stats: SublistFigures | None = None
    responses: dict[str, sharing.ResponseInfo] | None = None


class Accounts(msgspec.Struct, omit_defaults=True, kw_only=True):
    server_id: str
    now: str
    system_account: str = ""
    accounts: list[str] | None = None


class AccountStat(msgspec.Struct, kw_only=True):
    acc: str
    name: str
    conns: int
    leafnodes: int
    total_conns: int
    num_subscriptions: int
    sent: Traffic
    received: Traffic
    slow_consumers: int


class AccountStats(msgspec.Struct, kw_only=True):
    server_id: str
    now: str
    account_statz: list[AccountStat]


def accountz(source: MonitorSource, options: AccountzOptions) -> Work[Pieces]:
    """The body of /accountz. Raises BadRequest for an unknown account."""
    out = Accounts(
        server_id=source.id,
        now=format_time_s(time.time()),
        system_account=system_account_name(source),
    )
    if not options.account:
        out.accounts = []
        names = Document(out)
        names.fill("accounts", encoded(sorted(source.accounts), 2))
        return names.pieces()
    found = yield from detail(source, options.account, 1)
    return _with_detail(pretty(out), found)


def _with_detail(text: bytes, found: Document) -> Pieces:
    """The document, with the account as its last field."""
    yield text.removesuffix(b"\n}") + b',\n  "account_detail": '
    yield from found.pieces()
    yield b"\n}"


def detail(source: MonitorSource, name: str, depth: int = 0) -> Work[Document]:
    """All that is told of one account. Raises BadRequest for an unknown one."""
    account = source.accounts.get(name)
    if account is None:
        raise BadRequest(f"Account {name} does not exist")
    lists = yield from figures([account])
    mappings = sharing.mappings(source, account.name)
    exports = _if_any(sharing.exports(source, account.name))
    imports = _if_any(sharing.imports(source, account.name))
    claim = source.claimed.get(name) if source.claimed is not None else None
    awaits = account.awaited is not None and account.awaited.count > 0
    shown = AccountDetail(
        account_name=account.name,
        update_time=format_time_s(claim.updated if claim else source.config_load_time),
        is_system=account is source.system_account,
        expired=claim is not None and claim.expired,
        complete=claim is None or not claim.incomplete,
        jetstream_enabled=(
            source.jetstream is not None and account.name in source.jetstream.accounts
        ),
        leafnode_connections=0,
        client_connections=len(account.clients),
        subscriptions=account.sublist.count,
        mappings={} if mappings else None,
        exports=[] if exports else None,
        imports=[] if imports else None,
        name_tag=source.name_tag(account.name),
        sublist_stats=lists,
        responses={} if awaits else None,
    )
    if claim is not None:
        _show_claim(shown, claim)
    document = Document(shown, depth)
    if mappings:
        document.fill("mappings", _mappings(mappings, depth + 2))
    if exports:
        document.fill("exports", encoded(exports, depth + 2))
    if imports:
        document.fill("imports", encoded(imports, depth + 2))
    if awaits:
        document.fill("responses", sharing.responses(account, depth + 2))
    return document


def _show_claim(shown: AccountDetail, claim: ClaimView) -> None:
    """What the JWT of an account of operator mode says."""
    from pynats_common.jwt import Level, validate  # only servers with operators have loaded it

    shown.jwt = claim.token
    shown.issuer_key = claim.claims.iss
    shown.tags = claim.tags
    shown.decoded_jwt = claim.claims.to_json()
    issues = [
        IssueInfo(
            description=issue.description,
            blocking=issue.blocking,
            time_check=issue.level is Level.TIME,
        )
        for issue in validate(claim.claims)
    ]
    shown.validation_result_jwt = issues or None
    revoked = claim.claims.nats.revocations
    shown.revoked_user = {user: format_time_s(at) for user, at in revoked.items()} or None


def _if_any(items: Iterator[T]) -> Iterator[T] | None:
    """The items, or None without any."""
    first = list(islice(items, 1))
    return chain(first, items) if first else None


def _mappings(mappings: Mapping[str, list[MappingTarget]], depth: int) -> Iterator[Pieces]:
    for count, (subject, listed) in enumerate(sorted(mappings.items()), 1):
        yield iter((entry(subject, pretty(sharing.targets(subject, listed), depth)),))
        if count % ITEMS == 0:
            yield iter(())


def accstatz(source: MonitorSource, options: AccstatzOptions) -> Work[Pieces]:
    """The body of /accstatz."""
    yield from ()  # nothing has to be done before the document is sent
    chosen = counted(source, options)
    document = Document(
        AccountStats(server_id=source.id, now=format_time_s(time.time()), account_statz=[])
    )
    document.fill("account_statz", encoded((_stat(source, each) for each in chosen), 2))
    return document.pieces()


def counted(source: MonitorSource, options: AccstatzOptions) -> list[AccountView]:
    """The accounts whose figures are asked for; unknown ones are left out."""
    names = options.accounts or sorted(source.accounts)
    known = (source.accounts[name] for name in names if name in source.accounts)
    return [account for account in known if options.unused or account.clients]


def _stat(source: MonitorSource, account: AccountView) -> AccountStat:
    return AccountStat(
        acc=account.name,
        name=source.name_tag(account.name),
        conns=len(account.clients),
        leafnodes=0,
        total_conns=len(account.clients),
        num_subscriptions=account.sublist.count,
        sent=traffic_out(account),
        received=traffic_in(account),
        slow_consumers=account.slow_consumers,
    )
