"""/metrics: the server's figures for Prometheus.

One series per figure and, where useful, per account and stream; never one per connection or
subject. Accounts and streams beyond ACCOUNTS_MAX and STREAMS_MAX are summed up under OTHER;
`/metrics?streams=0` leaves out the series of single streams.
"""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from pynats_server.monitor.metrics.families import (
    PREFIX,
    Family,
    account_families,
    counter,
    gauge,
    labelled_gauge,
)
from pynats_server.monitor.source import AccountView, MonitorSource
from pynats_server.monitor.varz import Usage, subscription_total
from pynats_server.version import PYNATS_VERSION, VERSION
from pynats_server.work import Work


def collect(source: MonitorSource, usage: Usage, per_stream: bool = True) -> Work[list[Metric]]:
    """All families with their current figures."""
    found = []
    for family in _ServerFigures(source, usage).families():
        found.append(family)
        yield
    if source.jetstream is not None:
        from pynats_server.monitor.metrics.jetstream import families

        found += yield from families(source.jetstream, per_stream)
    return found


def exposition(families: list[Metric], accept: str) -> tuple[bytes, str]:
    """(body, content type), in the format that the Accept header prefers. Slow with many series;
    does not access the server, so it may run in any thread."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Collected(families))
    encode, content_type = choose_encoder(accept)
    return encode(registry), content_type


class _Collected(Collector):
    def __init__(self, families: list[Metric]) -> None:
        self._families = families

    def collect(self) -> list[Metric]:
        return self._families


class _ServerFigures:
    def __init__(self, source: MonitorSource, usage: Usage) -> None:
        self._source = source
        self._usage = usage

    def families(self) -> Iterator[Metric]:
        yield from self._process()
        yield from self._engine()
        yield from self._accounts()
        requests = counter("http_requests", "Monitoring requests by endpoint.", ["endpoint"])
        for endpoint, count in sorted(self._source.http_requests.items()):
            requests.add_metric([endpoint], count)
        yield requests

    def _process(self) -> Iterator[Metric]:
        source = self._source
        info = GaugeMetricFamily(
            PREFIX + "info", "Which server this is.",
            labels=["server_id", "server_name", "version", "pynats_version"],
        )  # fmt: skip
        info.add_metric([source.id, source.name, VERSION, PYNATS_VERSION], 1)
        yield info
        yield gauge("start_time_seconds", "Start, in seconds since 1970.", source.start_time)
        yield gauge(
            "config_load_time_seconds",
            "Last load of the configuration, in seconds since 1970.",
            source.config_load_time,
        )
        yield gauge("ready", "1 when clients can connect.", int(source.ready))
        yield gauge("memory_bytes", "Resident memory.", self._usage.resident_bytes())
        yield gauge("cpu_percent", "Load in percent of one core.", self._usage.cpu_percent())

    def _engine(self) -> Iterator[Metric]:
        source, engine = self._source, self._source.engine
        gauges = (
            ("connections", "Open connections.", len(engine.connections)),
            ("connections_max", "Configured limit of connections.", source.options.max_connections),
            ("subscriptions", "Subscriptions in all accounts.", subscription_total(source)),
        )
        for name, text, value in gauges:
            yield gauge(name, text, value)
        counters = (
            ("connections_accepted", "Connections since the start.", engine.total_connections),
            ("received_messages", "Messages from clients.", engine.in_msgs),
            ("received_bytes", "Bytes of messages from clients.", engine.in_bytes),
            ("sent_messages", "Messages to clients.", engine.out_msgs),
            ("sent_bytes", "Bytes of messages to clients.", engine.out_bytes),
            ("slow_consumers", "Connections cut because they read too slowly.",
             engine.slow_consumers),
            ("stale_connections", "Connections cut because they did not answer.",
             engine.stale_connections),
            ("stalls", "Times that a producer was held back.", engine.stalls),
        )  # fmt: skip
        for name, text, value in counters:
            family = counter(name, text)
            family.add_metric([], value)
            yield family

    def _accounts(self) -> Iterator[Metric]:
        accounts = self._source.accounts.values()
        rows = (([account.name], _account_values(account)) for account in accounts)
        yield from account_families("account_", _ACCOUNT_FAMILIES, rows)


# The order is that of _account_values.
_ACCOUNT_FAMILIES: tuple[tuple[str, str, Family], ...] = (
    ("connections", "Open connections of the account.", labelled_gauge),
    ("subscriptions", "Subscriptions of the account.", labelled_gauge),
    ("connections_accepted", "Connections of the account since the start.", counter),
    ("received_messages", "Messages from clients of the account.", counter),
    ("received_bytes", "Bytes of messages from clients of the account.", counter),
    ("sent_messages", "Messages to clients of the account.", counter),
    ("sent_bytes", "Bytes of messages to clients of the account.", counter),
    ("slow_consumers", "Connections of the account cut because they read too slowly.", counter),
    ("matches", "Look-ups of who gets a subject.", counter),
    ("match_cache_hits", "Look-ups answered from the cache.", counter),
)


def _account_values(account: AccountView) -> list[int]:
    return [
        len(account.clients),
        account.sublist.count,
        account.total_connections,
        account.in_msgs,
        account.in_bytes,
        account.out_msgs,
        account.out_bytes,
        account.slow_consumers,
        account.sublist.matches,
        account.sublist.cache_hits,
    ]
