"""/metrics: the server's figures for Prometheus.

One series per figure and, where it says something, per account: never one per connection or
subject. Accounts beyond ACCOUNTS_MAX are summed up under OTHER.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from pynats_server.monitor.general import Usage, subscription_total
from pynats_server.monitor.source import AccountView, MonitorSource
from pynats_server.version import PYNATS_VERSION, VERSION

PREFIX = "nats_server_"
ACCOUNTS_MAX = 1000  # accounts with series of their own
OTHER = "(other)"


def exposition(source: MonitorSource, usage: Usage, accept: str) -> tuple[bytes, str]:
    """(body, content type), in the format that the Accept header prefers."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_ServerFigures(source, usage))
    encode, content_type = choose_encoder(accept)
    return encode(registry), content_type


class _ServerFigures(Collector):
    def __init__(self, source: MonitorSource, usage: Usage) -> None:
        self._source = source
        self._usage = usage

    def collect(self) -> Iterator[Metric]:
        yield from self._process()
        yield from self._engine()
        yield from self._accounts()
        requests = _counter("http_requests", "Monitoring requests by endpoint.", ["endpoint"])
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
        yield _gauge("start_time_seconds", "Start, in seconds since 1970.", source.start_time)
        yield _gauge(
            "config_load_time_seconds",
            "Last load of the configuration, in seconds since 1970.",
            source.config_load_time,
        )
        yield _gauge("ready", "1 when clients can connect.", int(source.ready))
        yield _gauge("memory_bytes", "Resident memory.", self._usage.resident_bytes())
        yield _gauge("cpu_percent", "Load in percent of one core.", self._usage.cpu_percent())

    def _engine(self) -> Iterator[Metric]:
        source, engine = self._source, self._source.engine
        gauges = (
            ("connections", "Open connections.", len(engine.connections)),
            ("connections_max", "Configured limit of connections.", source.options.max_connections),
            ("subscriptions", "Subscriptions in all accounts.", subscription_total(source)),
        )
        for name, text, value in gauges:
            yield _gauge(name, text, value)
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
            family = _counter(name, text)
            family.add_metric([], value)
            yield family

    def _accounts(self) -> Iterator[Metric]:
        rows = _account_rows(list(self._source.accounts.values()))
        for index, (name, text, family_of) in enumerate(_ACCOUNT_FAMILIES):
            family = family_of(f"account_{name}", text, ["account"])
            for account, values in rows.items():
                family.add_metric([account], values[index])
            yield family


def _gauge(name: str, text: str, value: float) -> GaugeMetricFamily:
    family = _labelled_gauge(name, text)
    family.add_metric([], value)
    return family


def _labelled_gauge(name: str, text: str, labels: list[str] | None = None) -> GaugeMetricFamily:
    return GaugeMetricFamily(PREFIX + name, text, labels=labels or [])


def _counter(name: str, text: str, labels: list[str] | None = None) -> CounterMetricFamily:
    return CounterMetricFamily(PREFIX + name, text, labels=labels or [])


_Family = Callable[[str, str, list[str]], GaugeMetricFamily | CounterMetricFamily]
# The order is that of _account_values.
_ACCOUNT_FAMILIES: tuple[tuple[str, str, _Family], ...] = (
    ("connections", "Open connections of the account.", _labelled_gauge),
    ("subscriptions", "Subscriptions of the account.", _labelled_gauge),
    ("connections_accepted", "Connections of the account since the start.", _counter),
    ("received_messages", "Messages from clients of the account.", _counter),
    ("received_bytes", "Bytes of messages from clients of the account.", _counter),
    ("sent_messages", "Messages to clients of the account.", _counter),
    ("sent_bytes", "Bytes of messages to clients of the account.", _counter),
    ("slow_consumers", "Connections of the account cut because they read too slowly.", _counter),
    ("matches", "Look-ups of who gets a subject.", _counter),
    ("match_cache_hits", "Look-ups answered from the cache.", _counter),
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


def _account_rows(accounts: list[AccountView]) -> dict[str, list[int]]:
    rows = {account.name: _account_values(account) for account in accounts[:ACCOUNTS_MAX]}
    for account in accounts[ACCOUNTS_MAX:]:
        values = _account_values(account)
        rows[OTHER] = [
            a + b for a, b in zip(rows.get(OTHER, [0] * len(values)), values, strict=True)
        ]
    return rows
