"""One poll of one server as figures, with rates since the poll before.

Rates are per second of the server's own clock (`now` of each answer); without one, of ours. A
server that was started again, or whose counters went back, begins its rates anew.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from pynats_top.collect.source import Poll
from pynats_top.model.connections import ConnectionFigures as ConnectionFigures
from pynats_top.model.connections import connections, traffic_of, with_subjects
from pynats_top.model.jetstream import ConsumerFigures, StreamFigures, jetstream
from pynats_top.model.rates import Flow, Traffic, growth, seconds_between
from pynats_top.model.slow import SlowConsumer, slow_consumers
from pynats_top.model.values import decimal, instant, integer, mapping, objects, text


@dataclass(slots=True)
class ServerFigures:
    """What /varz says. Times are nanoseconds since 1970, 0 when they are not known."""

    id: str = ""
    name: str = ""
    version: str = ""
    host: str = ""
    port: int = 0
    cluster: str = ""
    uptime: str = ""
    start: int = 0
    now: int = 0
    cpu: float = 0.0
    cores: int = 0
    memory: int = 0
    connections: int = 0
    total_connections: int = 0
    max_connections: int = 0
    routes: int = 0
    leafnodes: int = 0
    subscriptions: int = 0
    slow_consumers: int = 0
    slow_by_kind: dict[str, int] = field(default_factory=dict)
    stale_connections: int = 0
    traffic: Traffic = field(default_factory=Traffic)
    jetstream: bool = False
    js_memory: int = 0
    js_memory_max: int = 0
    js_storage: int = 0
    js_storage_max: int = 0
    js_accounts: int = 0
    js_assets: int = 0
    js_api_total: int = 0
    js_api_errors: int = 0
    js_api_rate: float = 0.0

    @property
    def title(self) -> str:
        """Its name; without one of its own, its id."""
        return self.name or self.id


@dataclass(slots=True)
class AccountFigures:
    """One account as /accstatz has it."""

    name: str
    title: str
    connections: int
    leafnodes: int
    total_connections: int
    subscriptions: int
    slow_consumers: int
    traffic: Traffic


@dataclass(slots=True)
class Snapshot:
    """Everything one poll of one server says."""

    server: ServerFigures = field(default_factory=ServerFigures)
    connections: list[ConnectionFigures] = field(default_factory=list)
    polled: int = 0  # connections in the answer
    total: int = 0  # connections there are
    accounts: list[AccountFigures] = field(default_factory=list)
    streams: list[StreamFigures] = field(default_factory=list)
    consumers: list[ConsumerFigures] = field(default_factory=list)
    slow: list[SlowConsumer] = field(default_factory=list)
    error: str = ""
    at: float = 0.0  # monotonic
    seconds: float = 0.0  # since the poll before, of the server's clock; 0 for the first
    now: dict[str, int] = field(default_factory=dict)  # the server's time of each part
    restarted: bool = False
    by_cid: dict[int, ConnectionFigures] = field(default_factory=dict, repr=False, compare=False)


def snapshot(poll: Poll, before: Snapshot | None) -> Snapshot:
    """The figures of a poll; `before` is what the poll before it gave."""
    made = Snapshot(at=poll.at)
    varz = mapping(poll.varz)
    started = instant(varz.get("start"))
    if before is not None and _is_another(varz, started, before.server):
        made.restarted, before = True, None

    def passed(part: str, answer: dict[str, Any]) -> float:
        made.now[part] = instant(answer.get("now"))
        if before is None:
            return 0.0
        own = poll.at - before.at
        return seconds_between(before.now.get(part, 0), made.now[part], own)

    made.seconds = passed("server", varz)
    made.server = _server(varz, before.server if before else None, made.seconds)
    connz = mapping(poll.connz)
    pending = mapping(poll.pending)
    known = before.by_cid if before else {}
    if pending:
        made.by_cid = connections(pending, known, passed("pending", pending))
    if connz:
        found = connections(connz, known, passed("connections", connz))
        made.connections = list(found.values())
        made.by_cid |= with_subjects(found, made.by_cid)
        made.polled = integer(connz.get("num_connections"))
        made.total = max(integer(connz.get("total")), made.polled)
    else:
        made.total = made.server.connections
    accounts = mapping(poll.accounts)
    if accounts:
        made.accounts = _accounts(accounts, before, passed("accounts", accounts))
    jsz = mapping(poll.jsz)
    if jsz:
        streams = before.streams if before else []
        consumers = before.consumers if before else []
        made.streams, made.consumers = jetstream(jsz, streams, consumers, passed("jsz", jsz))
    made.slow = slow_consumers(
        made.by_cid.values(),
        objects(mapping(poll.closed).get("connections")),
        {cid: row.stalls for cid, row in known.items()},
        before.slow if before else [],
    )
    return made


def _is_another(varz: dict[str, Any], started: int, before: ServerFigures) -> bool:
    server_id = text(varz.get("server_id"))
    other_id = bool(server_id and before.id and server_id != before.id)
    return other_id or bool(started and before.start and started != before.start)


def _server(varz: dict[str, Any], before: ServerFigures | None, seconds: float) -> ServerFigures:
    jetstream = mapping(varz.get("jetstream"))
    stats, config = mapping(jetstream.get("stats")), mapping(jetstream.get("config"))
    api = mapping(stats.get("api"))
    kinds = mapping(varz.get("slow_consumer_stats"))
    server = ServerFigures(
        id=text(varz.get("server_id")),
        name=text(varz.get("server_name")),
        version=text(varz.get("version")),
        host=text(varz.get("host")),
        port=integer(varz.get("port")),
        cluster=text(mapping(varz.get("cluster")).get("name")),
        uptime=text(varz.get("uptime")),
        start=instant(varz.get("start")),
        now=instant(varz.get("now")),
        cpu=decimal(varz.get("cpu")),
        cores=integer(varz.get("cores")),
        memory=integer(varz.get("mem")),
        connections=integer(varz.get("connections")),
        total_connections=integer(varz.get("total_connections")),
        max_connections=integer(varz.get("max_connections")),
        routes=integer(varz.get("routes")),
        leafnodes=integer(varz.get("leafnodes")),
        subscriptions=integer(varz.get("subscriptions")),
        slow_consumers=integer(varz.get("slow_consumers")),
        slow_by_kind={text(kind): integer(number) for kind, number in kinds.items()},
        stale_connections=integer(varz.get("stale_connections")),
        traffic=traffic_of(varz, before.traffic if before else None, seconds),
        jetstream=bool(config or stats),
        js_memory=integer(stats.get("memory")),
        js_memory_max=integer(config.get("max_memory")),
        js_storage=integer(stats.get("storage")),
        js_storage_max=integer(config.get("max_storage")),
        js_accounts=integer(stats.get("accounts")),
        js_assets=integer(stats.get("ha_assets")),
        js_api_total=integer(api.get("total")),
        js_api_errors=integer(api.get("errors")),
    )
    if before is not None:
        server.js_api_rate = growth(before.js_api_total, server.js_api_total, seconds)
    return server


def _accounts(
    accounts: dict[str, Any], before: Snapshot | None, seconds: float
) -> list[AccountFigures]:
    known = {account.name: account for account in before.accounts} if before else {}
    found = _account_rows(objects(accounts.get("account_statz")), known, seconds)
    return sorted(found, key=lambda account: account.name)  # a server's order is another each time


def _account_rows(
    rows: list[dict[str, Any]], known: dict[str, AccountFigures], seconds: float
) -> Iterable[AccountFigures]:
    for row in rows:
        name = text(row.get("acc"))
        before = known.get(name)
        sent, received = mapping(row.get("sent")), mapping(row.get("received"))
        yield AccountFigures(
            name=name,
            title=text(row.get("name")) or name,
            connections=integer(row.get("conns")),
            leafnodes=integer(row.get("leafnodes")),
            total_connections=integer(row.get("total_conns")),
            subscriptions=integer(row.get("num_subscriptions")),
            slow_consumers=integer(row.get("slow_consumers")),
            traffic=Traffic.since(
                before.traffic if before else None, seconds,
                Flow(integer(received.get("msgs")), integer(received.get("bytes"))),
                Flow(integer(sent.get("msgs")), integer(sent.get("bytes"))),
            ),
        )  # fmt: skip
