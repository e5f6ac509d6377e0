"""/connz: open and closed connections.

Sorts in steps: some connections at a time are sorted, and merged only up to the end of the page.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import msgspec
from pynats_common.go.durations import SECOND_NS, format_duration_ns, rtt_ns, span_text
from pynats_common.go.text import bytes_of, text_of
from pynats_common.go.times import format_time_s

from pynats_server.clients.closed import ClosedConnection
from pynats_server.clients.shown import issuer_of, jwt_of, proxy_of, shown_user, tags_of
from pynats_server.core.client import ClientConnection
from pynats_server.core.subject import overlaps
from pynats_server.monitor.json import Document, Pieces, encoded
from pynats_server.monitor.options import BadRequest, ConnzOptions
from pynats_server.monitor.source import ClientView, MonitorSource, SubscriptionView
from pynats_server.options import GLOBAL_ACCOUNT
from pynats_server.work import Work
from pynats_server.work.lists import ordered, slices, window

Listed = Any  # ClientView or ClosedConnection: both have the attributes that sorting reads
STEP = 256  # connections looked at, sorted or merged in one step
ENTRIES = 8  # connections described in one step


class SubscriptionInfo(msgspec.Struct, omit_defaults=True, kw_only=True):
    account: str = ""
    account_tag: str = ""
    subject: str
    qgroup: str = ""
    sid: str
    msgs: int
    max: int = 0
    cid: int


class ProxyInfo(msgspec.Struct):
    key: str


class PeerCertificate(msgspec.Struct, omit_defaults=True, kw_only=True):
    subject: str = ""
    spki_sha256: str
    cert_sha256: str


class ConnectionInfo(msgspec.Struct, omit_defaults=True, kw_only=True):
    cid: int
    kind: str
    type: str
    ip: str
    port: int
    start: str
    last_activity: str
    stop: str = ""
    reason: str = ""
    rtt: str = ""
    uptime: str
    idle: str
    pending_bytes: int
    in_msgs: int
    out_msgs: int
    in_bytes: int
    out_bytes: int
    stalls: int = 0
    publish_throttled: int = 0
    publish_refused: int = 0
    subscriptions: int
    name: str = ""
    lang: str = ""
    version: str = ""
    tls_version: str = ""
    tls_cipher_suite: str = ""
    tls_peer_certs: list[PeerCertificate] | None = None
    tls_first: bool = False
    authorized_user: str = ""
    account: str = ""
    subscriptions_list: list[str] | None = None
    subscriptions_list_detail: list[SubscriptionInfo] | None = None
    jwt: str = ""
    issuer_key: str = ""
    name_tag: str = ""
    tags: list[str] = msgspec.field(default_factory=list)
    proxy: ProxyInfo | None = None


class ConnectionPage(msgspec.Struct, kw_only=True):
    server_id: str
    now: str
    num_connections: int
    total: int
    offset: int
    limit: int
    connections: list[ConnectionInfo] | None


def _check(options: ConnzOptions) -> None:
    """Raises BadRequest with the real server's text."""
    if options.sort and options.sort not in _ORDERS:
        raise BadRequest(f"invalid sorting option: {options.sort}")
    if options.sort in ("stop", "reason") and options.want_open:
        raise BadRequest(f"sort by {options.sort} only valid on closed connections")
    if _subject_filter(options) and not options.account:
        raise BadRequest("filter by subject only valid with account filtering")


def _subject_filter(options: ConnzOptions) -> bytes:
    """What a subscription must have in common with; empty = nothing."""
    subject = options.filter_subject
    return bytes_of(subject) if subject != ">" else b""


# -- order ------------------------------------------------------------------------------------


class WallClock:
    """Turns monotonic times into wall clock times. The difference of the two clocks is kept while
    it is right, so that a moment is always shown as the same time."""

    _TOLERANCE_NS = 1_000_000

    def __init__(self) -> None:
        self._difference = time.time_ns() - time.monotonic_ns()

    def at(self, monotonic_ns: int) -> float:
        """Wall clock seconds of a monotonic time in ns."""
        difference = time.time_ns() - time.monotonic_ns()
        if abs(difference - self._difference) > self._TOLERANCE_NS:
            self._difference = difference
        return (monotonic_ns + self._difference) / SECOND_NS


def _last(item: Listed, clock: WallClock) -> float:
    if isinstance(item, ClosedConnection):
        return item.last_activity
    return clock.at(item.last_activity)


def _lifetime(item: Listed, clock: WallClock) -> float:
    end = item.stop_time if isinstance(item, ClosedConnection) else time.time()
    return float(end - item.start)


_Key = Callable[[Listed, WallClock], Any]
# name: (key, descending)
_ORDERS: dict[str, tuple[_Key, bool]] = {
    "cid": (lambda item, _: item.cid, False),
    "start": (lambda item, _: item.cid, False),
    "subs": (lambda item, _: item.subscription_count, True),
    "pending": (lambda item, _: item.pending_bytes, True),
    "msgs_to": (lambda item, _: item.out_msgs, True),
    "msgs_from": (lambda item, _: item.in_msgs, True),
    "bytes_to": (lambda item, _: item.out_bytes, True),
    "bytes_from": (lambda item, _: item.in_bytes, True),
    "last": (_last, True),
    "idle": (_last, False),  # longest idle first
    "uptime": (_lifetime, False),
    "stop": (lambda item, _: item.stop_time, True),
    "reason": (lambda item, _: str(item.reason), False),
    "rtt": (lambda item, _: item.rtt, True),
}


def in_order(items: list[Listed], sort: str, clock: WallClock) -> Work[Iterator[Listed]]:
    """The items in the order of a sort option, equal ones by cid; produced lazily."""
    key, descending = _ORDERS[sort or "cid"]
    sign = -1 if descending else 1
    return (
        yield from ordered(
            items, lambda item: (key(item, clock), sign * item.cid), descending, STEP
        )
    )


# -- what one connection looks like -------------------------------------------------------------


def describe_open(
    source: MonitorSource, client: ClientView, options: ConnzOptions, clock: WallClock
) -> ConnectionInfo:
    """An open connection, without its subscriptions."""
    now = time.time()
    last = max(client.start, clock.at(client.last_activity))
    info = _describe(client, options, last, now, proxy_of(client))
    session = client.context
    tls = session.hello.tls if session is not None else None
    if tls is not None:
        info.tls_version, info.tls_cipher_suite = tls.version, tls.cipher
        info.tls_first = session.tls_first
        if options.auth and tls.sent:
            info.tls_peer_certs = [_peer_certificate(der) for der in tls.sent]
    if options.auth:
        info.authorized_user = shown_user(client)
        if client.account is not None:
            info.name_tag = source.name_tag(client.account.name)
            info.account = client.account.name if client.account.name != GLOBAL_ACCOUNT else ""
        info.jwt = jwt_of(client)
        info.issuer_key = issuer_of(client)
        info.tags = tags_of(client)
    return info


def describe_closed(
    source: MonitorSource, record: ClosedConnection, options: ConnzOptions
) -> ConnectionInfo:
    """A closed connection, without its subscriptions."""
    info = _describe(record, options, record.last_activity, record.stop_time, record.proxy)
    info.stop = format_time_s(record.stop_time)
    info.reason = str(record.reason)
    info.tls_version, info.tls_cipher_suite = record.tls_version, record.tls_cipher
    info.tls_first = record.tls_first
    if options.auth:
        info.authorized_user = record.user
        if record.account != GLOBAL_ACCOUNT:
            info.account, info.name_tag = record.account, source.name_tag(record.account)
        info.jwt = record.jwt
        info.issuer_key = record.issuer_key
        info.tags = list(record.tags)
    return info


def _describe(
    item: Listed, options: ConnzOptions, last: float, until: float, proxy: str
) -> ConnectionInfo:
    has_subs = item.subscription_count > 0
    return ConnectionInfo(
        cid=item.cid,
        kind="Client",
        type="nats",
        ip=item.host,
        port=item.port,
        start=format_time_s(item.start),
        last_activity=format_time_s(last),
        rtt=format_duration_ns(rtt_ns(item.rtt)),
        uptime=span_text(int(until - item.start)),
        idle=span_text(int(until - last)),
        pending_bytes=item.pending_bytes,
        in_msgs=item.in_msgs,
        out_msgs=item.out_msgs,
        in_bytes=item.in_bytes,
        out_bytes=item.out_bytes,
        stalls=item.stalls,
        publish_throttled=item.throttles,
        publish_refused=item.refusals,
        subscriptions=item.subscription_count,
        name=item.name,
        lang=item.lang,
        version=item.version,
        subscriptions_list=[]
        if options.subscriptions and has_subs and not options.details
        else None,
        subscriptions_list_detail=[] if options.details and has_subs else None,
        proxy=ProxyInfo(proxy) if proxy else None,
    )


def _peer_certificate(der: bytes) -> PeerCertificate:
    # Only who has TLS loads what reads certificates.
    from cryptography import x509

    from pynats_server.tls.subjects import key_hash, subject_text

    certificate = x509.load_der_x509_certificate(der)
    return PeerCertificate(
        subject=subject_text(certificate.subject),
        spki_sha256=key_hash(certificate),
        cert_sha256=hashlib.sha256(der).hexdigest(),
    )


def describe_subscription(
    sub: SubscriptionView, cid: int, account: str = "", tag: str = ""
) -> SubscriptionInfo:
    """One live subscription."""
    return SubscriptionInfo(
        account=account, account_tag=tag, subject=text_of(sub.subject), qgroup=text_of(sub.queue),
        sid=text_of(sub.sid), msgs=sub.delivered, max=sub.max, cid=cid,
    )  # fmt: skip


def _subscriptions(item: Listed, detail: bool) -> Iterable[str | SubscriptionInfo]:
    if isinstance(item, ClosedConnection):
        for kept in item.subscriptions:
            yield kept.subject if not detail else SubscriptionInfo(
                account=item.account, account_tag=item.account, subject=kept.subject,
                qgroup=kept.queue, sid=kept.sid, msgs=kept.delivered, max=kept.max, cid=item.cid,
            )  # fmt: skip
        return
    for sub in item.subscription_list():
        yield describe_subscription(sub, item.cid) if detail else text_of(sub.subject)


# -- the answer ---------------------------------------------------------------------------------


def connz(source: MonitorSource, options: ConnzOptions, clock: WallClock) -> Work[Pieces]:
    """The body of /connz. Raises BadRequest."""
    _check(options)
    total, candidates = yield from _select(source, options)
    page = yield from _page(source, options, candidates, clock)
    unknown = _unknown_account(source, options)
    document = Document(
        ConnectionPage(
            server_id="" if unknown else source.id,  # as the real server
            now=format_time_s(time.time()),
            num_connections=len(page),
            total=total,
            offset=options.start,
            limit=1 if options.cid else options.size,
            connections=None if unknown else [],
        )
    )
    if page:
        document.fill("connections", _entries(source, page, options, clock))
    return document.pieces()


def _unknown_account(source: MonitorSource, options: ConnzOptions) -> bool:
    return bool(options.account) and options.account not in source.accounts


def _select(source: MonitorSource, options: ConnzOptions) -> Work[tuple[int, list[Listed]]]:
    """(number of connections in the wanted states and account, those that pass the filters)"""
    if _unknown_account(source, options):
        return 0, []
    chosen: list[Listed] = []
    if options.want_open:
        chosen += yield from _open_clients(source, options.account)
    total = len(chosen)
    if wanted := _subject_filter(options):
        chosen = yield from _subscribed(chosen, wanted)
    if options.want_closed:
        # By cid: the ring is in closing order.
        closed = list(source.closed_clients)
        closed = [c for c in closed if not options.account or c.account == options.account]
        total += len(closed)
        chosen += closed
    if options.mqtt_client:
        return total, []
    if options.cid:
        return total, (yield from _only(chosen, lambda item: item.cid == options.cid))
    if options.user:
        chosen = yield from _only(chosen, lambda item: _user_of(item) == options.user)
    if options.search:
        wanted_text = options.search.casefold()
        chosen = yield from _only(chosen, lambda item: _mentions(item, wanted_text))
        total = len(chosen)
    return total, chosen


def _mentions(item: Listed, text: str) -> bool:
    """Whether what people know a connection by has this in it; `text` is case-folded."""
    if isinstance(item, ClosedConnection):
        account, reason = item.account, str(item.reason)
    else:
        account, reason = item.account.name if item.account is not None else "", ""
    named = (item.name, _user_of(item), account, f"{item.host}:{item.port}", reason)
    return str(item.cid) == text or any(text in each.casefold() for each in named)


def _subscribed(clients: list[Listed], subject: bytes) -> Work[list[Listed]]:
    """Those of open clients that have a subscription which messages to `subject` can reach."""
    found: list[Listed] = []
    for number, client in enumerate(clients, 1):
        if number % STEP == 0:
            yield
        for batch in slices(client.subscription_list(), STEP):
            yield
            if any(overlaps(sub.subject, subject) for sub in batch):
                found.append(client)
                break
    return found


def _only(items: list[Listed], wanted: Callable[[Listed], bool]) -> Work[list[Listed]]:
    found: list[Listed] = []
    for batch in slices(items, STEP):
        found += filter(wanted, batch)
        yield
    return found


def _open_clients(source: MonitorSource, account: str) -> Work[list[Listed]]:
    if account:
        return list(source.accounts[account].clients)
    found: list[Listed] = []
    connections = source.engine.connections
    for batch in slices(list(connections), STEP):
        found += [c for c in map(connections.get, batch) if isinstance(c, ClientConnection)]
        yield
    return found


def _user_of(item: Listed) -> str:
    return item.user if isinstance(item, ClosedConnection) else shown_user(item)


def _page(
    source: MonitorSource, options: ConnzOptions, candidates: list[Listed], clock: WallClock
) -> Work[list[Listed]]:
    offset = 0 if options.cid else options.start  # one connection needs no paging
    if offset >= len(candidates):  # also keeps offset + limit in range
        return []
    in_turn = yield from in_order(candidates, options.sort, clock)
    last = min(len(candidates), offset + (1 if options.cid else options.size))
    return (yield from window(in_turn, offset, last, STEP))


def _entries(
    source: MonitorSource, page: list[Listed], options: ConnzOptions, clock: WallClock
) -> Iterator[Pieces]:
    for count, item in enumerate(page, 1):
        yield _entry(source, item, options, clock)
        if count % ENTRIES == 0:
            yield iter(())


def _entry(source: MonitorSource, item: Listed, options: ConnzOptions, clock: WallClock) -> Pieces:
    if isinstance(item, ClosedConnection):
        info = describe_closed(source, item, options)
    else:
        info = describe_open(source, item, options, clock)
    entry = Document(info, depth=2)
    for field in ("subscriptions_list", "subscriptions_list_detail"):
        if getattr(info, field) is not None:
            entry.fill(field, encoded(_subscriptions(item, options.details), 4))
    yield from entry.pieces()
