"""The figures of the whole server: one series each, or one for each of a few fixed words."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

from pynats_server.monitor.jsz import figures
from pynats_server.monitor.metrics.slow import Receivers
from pynats_server.monitor.metrics.text import Family, counter, gauge, histogram
from pynats_server.monitor.source import MonitorSource
from pynats_server.monitor.varz import Usage, subscription_total
from pynats_server.version import PYNATS_VERSION, VERSION

if TYPE_CHECKING:
    from pynats_server.jetstream.figures import Contents, ServerFigures, SyncTimes


def process(source: MonitorSource, usage: Usage) -> Iterator[Family]:
    """What it is, and what it takes of the machine."""
    yield gauge("info", "Which server this is.").of(
        1, server_id=source.id, server_name=source.name, version=VERSION,
        pynats_version=PYNATS_VERSION,
    )  # fmt: skip
    yield gauge("start_time_seconds", "Start, in seconds since 1970.", source.start_time)
    yield gauge(
        "config_load_time_seconds",
        "Last load of the configuration, in seconds since 1970.",
        source.config_load_time,
    )
    yield gauge("ready", "1 when clients can connect.", int(source.ready))
    yield gauge("memory_bytes", "Resident memory.", usage.resident_bytes())
    yield gauge("cpu_percent", "Load in percent of one core.", usage.cpu_percent())
    yield counter("cpu_seconds", "Processor time that was used.", time.process_time())


def traffic(source: MonitorSource) -> Iterator[Family]:
    """Connections and messages."""
    engine = source.engine
    yield gauge("connections", "Open connections.", len(engine.connections))
    yield gauge(
        "connections_max", "Configured limit of connections.", source.options.max_connections
    )
    yield gauge("subscriptions", "Subscriptions in all accounts.", subscription_total(source))
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
        ("stalls", "Times that a producer was held back for a slow receiver.", engine.stalls),
        ("publish_throttles", "Times that a connection was held back by a limit of its rate.",
         engine.throttles),
        ("publish_refusals", "Messages that a limit of their rate refused.", engine.refusals),
        ("log_lines_dropped", "Lines of the log that could not be written in time.",
         source.log.dropped),
    )  # fmt: skip
    for name, text, value in counters:
        yield counter(name, text, value)
    closed = counter("connections_closed", "Connections that have ended, by reason.")
    for reason, count in sorted(source.closed_for.items()):
        closed.of(count, reason=str(reason))
    yield closed


def security(source: MonitorSource) -> Iterator[Family]:
    """TLS of clients, and log-ins."""
    yield gauge("tls_connections", "Open connections with TLS.", source.tls_clients)
    done = counter("tls_handshakes", "TLS handshakes of clients, by version of TLS.")
    for version, count in sorted(source.handshakes.items()):
        done.of(count, version=version)
    yield done
    yield counter(
        "tls_handshake_failures",
        "TLS handshakes of clients that came to nothing.",
        source.handshakes_failed,
    )
    expires = source.tls.plan.expires if source.tls is not None else 0.0
    yield gauge(
        "tls_certificate_expiry_seconds",
        "When the server's certificate for clients ends, in seconds since 1970.",
        expires or None,
    )
    for name, text, counts in (
        ("log_ins", "Log-ins, by how it was shown who it is.", source.log_ins),
        ("log_in_refusals", "Refused log-ins, by what was presented.", source.refusals),
    ):
        family = counter(name, text)
        for method, count in sorted(counts.items()):
            family.of(count, method=method)
        yield family


def requests(source: MonitorSource, refusals: int) -> Iterator[Family]:
    """Monitoring itself."""
    asked = counter("http_requests", "Monitoring requests by endpoint.")
    for endpoint, count in sorted(source.http_requests.items()):
        asked.of(count, endpoint=endpoint)
    yield asked
    if source.options.http_auth is not None:
        yield counter(
            "http_refusals", "Monitoring requests that were refused: wrong credentials.", refusals
        )


def limits(source: MonitorSource, receivers: Receivers) -> Iterator[Family]:
    """How much of the server's limits is used."""
    options = source.options
    largest = max((account.largest_payload for account in source.accounts.values()), default=0)
    used = [
        ("connections", _share(len(source.engine.connections), options.max_connections)),
        ("payload", largest / max(1, options.max_payload)),
        ("pending", receivers.whole.pending),
        ("subscriptions", receivers.whole.subscriptions),
    ]
    if source.jetstream is not None:
        found = source.jetstream.figures()
        queue = source.jetstream.options.request_queue_limit
        used += [
            (name, value / limit)
            for name, value, limit in (
                ("memory", found.memory, found.max_memory),
                ("storage", found.storage, found.max_storage),
                ("api_requests", found.api_inflight, queue),
            )
            if limit > 0
        ]
    family = gauge(
        "limit_used_ratio",
        "How much of its limits the server uses, 1 = all. Of limits for each connection: the one "
        "that uses most. Payload: the largest message since the start.",
    )
    for name, share in used:
        family.of(round(share, 6), limit=name)
    yield family


def _share(used: int, most: int) -> float:
    """0 where there is no limit; where nothing is allowed, all is used."""
    if most <= 0:
        return float(most < 0)
    return used / most


def jetstream(found: ServerFigures, contents: Contents, times: SyncTimes) -> Iterator[Family]:
    """JetStream as a whole."""
    used = figures(found)
    gauges = (
        ("memory_bytes", "Memory that streams hold.", used.memory),
        ("memory_bytes_max", "What they may hold, -1 = any.", found.max_memory),
        ("memory_bytes_reserved", "Memory claimed by max_bytes.", used.reserved_memory),
        ("storage_bytes", "Disk space that streams hold.", used.storage),
        ("storage_bytes_max", "What they may hold, -1 = any.", found.max_storage),
        ("storage_bytes_reserved", "Disk space claimed by max_bytes.", used.reserved_storage),
        ("accounts", "Accounts that have JetStream.", used.accounts),
        ("api_requests_inflight", "API requests that wait or are under way.", used.api.inflight),
        ("streams", "Streams.", contents.streams),
        ("streams_broken", "Streams on disk that could not be recovered.", contents.broken),
        ("streams_failed", "Streams whose storage takes no more changes after an error.",
         contents.failed),
        ("consumers", "Consumers.", contents.consumers),
        ("consumers_broken", "Consumers on disk that could not be recovered.",
         contents.broken_consumers),
        ("messages", "Messages in all streams.", contents.messages),
        ("bytes", "Bytes of messages in all streams.", contents.bytes),
        ("lost_messages", "Messages that damage has taken from streams.", contents.lost),
        ("pending_acknowledgements", "Messages taken but not yet acknowledged.",
         contents.pending_acks),
    )  # fmt: skip
    for name, text, value in gauges:
        yield gauge(f"jetstream_{name}", text, value)
    yield counter("jetstream_api_requests", "API requests.", used.api.total)
    yield counter("jetstream_api_errors", "API requests that were refused.", used.api.errors)
    yield histogram(
        "jetstream_sync_seconds",
        "How long fsyncs took that acknowledgements waited for.",
        times.bounds_s,
        times.counts,
        times.total_s,
    )
