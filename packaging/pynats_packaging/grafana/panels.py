"""The panels: what each asks Prometheus for, row by row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["timeseries", "stat", "table", "bargauge"]
SERVER = 'instance=~"$instance"'
ACCOUNT = f'{SERVER},account=~"$account"'
STREAM = f'{ACCOUNT},stream=~"$stream"'


@dataclass(frozen=True, slots=True)
class Query:
    """One expression, and the name of what it finds."""

    expression: str
    legend: str = "{{instance}}"


@dataclass(frozen=True, slots=True)
class Panel:
    """One panel. `unit` is Grafana's word; `thresholds` are where it becomes orange and red."""

    title: str
    queries: tuple[Query, ...]
    unit: str = "short"
    kind: Kind = "timeseries"
    width: int = 8  # of 24
    thresholds: tuple[float, float] | None = None
    most: float | None = None  # end of the scale
    text: str = ""  # what it means


@dataclass(frozen=True, slots=True)
class Row:
    """Panels under one title."""

    title: str
    panels: tuple[Panel, ...]


def one(expression: str, legend: str = "{{instance}}") -> tuple[Query, ...]:
    """A single query."""
    return (Query(expression, legend),)


def rate(metric: str, labels: str = SERVER) -> str:
    """How fast a counter grows, per second."""
    return f"rate({metric}{{{labels}}}[$__rate_interval])"


def top(expression: str) -> str:
    """The ten largest, so that thousands of streams are no thousands of lines."""
    return f"topk(10, {expression})"


_BY_ACCOUNT = "{{account}}"
_BY_STREAM = "{{account}} {{stream}}"
_BY_CONSUMER = "{{account}} {{stream}} {{consumer}}"

ROWS: tuple[Row, ...] = (
    Row("Health", (
        Panel("Ready", one(f"nats_server_ready{{{SERVER}}}"), "bool_yes_no", "stat", 4),
        Panel("Up since", one(f"time() - nats_server_start_time_seconds{{{SERVER}}}"),
              "s", "stat", 4),
        Panel("Version", one(f"nats_server_info{{{SERVER}}}", "{{server_name}} {{pynats_version}}"),
              "short", "stat", 4),
        Panel("Storage in trouble", (
            Query(f"nats_server_jetstream_streams_failed{{{SERVER}}}", "failed streams"),
            Query(f"nats_server_jetstream_streams_broken{{{SERVER}}}", "broken streams"),
            Query(f"nats_server_jetstream_consumers_broken{{{SERVER}}}", "broken consumers"),
        ), "short", "stat", 6, (1, 1)),
        Panel("Lost messages", one(f"nats_server_jetstream_lost_messages{{{SERVER}}}"),
              "short", "stat", 3, (1, 1), text="Taken by damage; what was left is in quarantine."),
        Panel("Slow receivers", one(f"nats_server_slow_receivers{{{SERVER}}}"),
              "short", "stat", 3, (1, 5)),
        Panel("Processor", one(rate("nats_server_cpu_seconds_total")), "percentunit",
              thresholds=(0.7, 0.9), text="Of one core. One loop serves all clients."),
        Panel("Memory", one(f"nats_server_memory_bytes{{{SERVER}}}"), "bytes",
              text="Resident."),
        Panel("Monitoring requests",
              one(f"sum by (endpoint) ({rate('nats_server_http_requests_total')})", "{{endpoint}}"),
              "reqps"),
    )),
    Row("Traffic", (
        Panel("Messages", (
            Query(rate("nats_server_received_messages_total"), "{{instance}} from clients"),
            Query(rate("nats_server_sent_messages_total"), "{{instance}} to clients"),
        ), "mps"),
        Panel("Bytes", (
            Query(rate("nats_server_received_bytes_total"), "{{instance}} from clients"),
            Query(rate("nats_server_sent_bytes_total"), "{{instance}} to clients"),
        ), "Bps"),
        Panel("Subscriptions", one(f"nats_server_subscriptions{{{SERVER}}}")),
    )),
    Row("Connections", (
        Panel("Open", (
            Query(f"nats_server_connections{{{SERVER}}}", "{{instance}}"),
            Query(f"nats_server_tls_connections{{{SERVER}}}", "{{instance}} with TLS"),
        )),
        Panel("New", one(rate("nats_server_connections_accepted_total")), "cps"),
        Panel("Ended",
              one(f"sum by (reason) ({rate('nats_server_connections_closed_total')})",
                  "{{reason}}"), "cps"),
        Panel("Log-ins",
              one(f"sum by (method) ({rate('nats_server_log_ins_total')})", "{{method}}"), "cps"),
        Panel("Refused log-ins",
              one(f"sum by (method) ({rate('nats_server_log_in_refusals_total')})",
                  "{{method}}"), "cps"),
        Panel("TLS handshakes", (
            Query(f"sum by (version) ({rate('nats_server_tls_handshakes_total')})",
                  "TLS {{version}}"),
            Query(rate("nats_server_tls_handshake_failures_total"), "failed"),
        ), "cps"),
    )),
    Row("Slow consumers", (
        Panel("Receivers that hold producers back",
              one(f"nats_server_account_slow_receivers{{{ACCOUNT}}}", _BY_ACCOUNT)),
        Panel("Cut connections", (
            Query(f"increase(nats_server_account_slow_consumers_total{{{ACCOUNT}}}"
                  "[$__rate_interval])", "{{account}} too slow"),
            Query(f"increase(nats_server_stale_connections_total{{{SERVER}}}[$__rate_interval])",
                  "{{instance}} no answer"),
        )),
        Panel("Producers held back", (
            Query(rate("nats_server_stalls_total"), "stalls"),
            Query(rate("nats_server_publish_throttles_total"), "throttled by a limit"),
            Query(rate("nats_server_publish_refusals_total"), "refused by a limit"),
        ), "ops"),
        Panel("Backlog of the slowest",
              one(f"nats_server_slow_receiver_pending_bytes{{{ACCOUNT}}}",
                  "{{account}} {{user}} {{name}} {{subject}}"), "bytes", width=12),
        Panel("Cut last",
              one(f"time() - nats_server_slow_consumer_cut_timestamp_seconds{{{ACCOUNT}}}",
                  "{{account}} {{user}} {{name}} {{subject}}"), "s", "table", 12,
              text="How long ago, the last ten."),
    )),
    Row("Limits", (
        Panel("Server", one(f"nats_server_limit_used_ratio{{{SERVER}}}", "{{limit}}"),
              "percentunit", "bargauge", 8, (0.8, 0.95), 1,
              text="Payload is the largest message since the start."),
        Panel("Accounts",
              one(top(f"nats_server_account_limit_used_ratio{{{ACCOUNT}}}"),
                  "{{account}} {{limit}}"), "percentunit", "bargauge", 8, (0.8, 0.95), 1),
        Panel("Streams and consumers", (
            Query(top(f"nats_server_stream_limit_used_ratio{{{STREAM}}}"),
                  "{{stream}} {{limit}}"),
            Query(top(f"nats_server_consumer_limit_used_ratio{{{STREAM}}}"),
                  "{{stream}} {{consumer}} {{limit}}"),
        ), "percentunit", "bargauge", 8, (0.8, 0.95), 1,
              text="A stream may be full of messages or bytes for ever: it discards the oldest."),
    )),
    Row("JetStream", (
        Panel("Storage", (
            Query(f"nats_server_jetstream_storage_bytes{{{SERVER}}}", "used"),
            Query(f"nats_server_jetstream_storage_bytes_reserved{{{SERVER}}}", "reserved"),
            Query(f"nats_server_jetstream_storage_bytes_max{{{SERVER}}} > 0", "limit"),
        ), "bytes"),
        Panel("Memory streams", (
            Query(f"nats_server_jetstream_memory_bytes{{{SERVER}}}", "used"),
            Query(f"nats_server_jetstream_memory_bytes_reserved{{{SERVER}}}", "reserved"),
            Query(f"nats_server_jetstream_memory_bytes_max{{{SERVER}}} > 0", "limit"),
        ), "bytes"),
        Panel("Streams and consumers", (
            Query(f"nats_server_jetstream_streams{{{SERVER}}}", "streams"),
            Query(f"nats_server_jetstream_consumers{{{SERVER}}}", "consumers"),
        )),
        Panel("API", (
            Query(rate("nats_server_jetstream_api_requests_total"), "requests"),
            Query(rate("nats_server_jetstream_api_errors_total"), "refused"),
            Query(f"nats_server_jetstream_api_requests_inflight{{{SERVER}}}", "under way"),
        ), "reqps"),
        Panel("fsync", (
            Query("histogram_quantile(0.5, sum by (le) "
                  f"({rate('nats_server_jetstream_sync_seconds_bucket')}))", "median"),
            Query("histogram_quantile(0.99, sum by (le) "
                  f"({rate('nats_server_jetstream_sync_seconds_bucket')}))", "99 %"),
        ), "s", text="That acknowledgements waited for."),
        Panel("Messages held", (
            Query(f"nats_server_jetstream_messages{{{SERVER}}}", "messages"),
            Query(f"nats_server_jetstream_pending_acknowledgements{{{SERVER}}}",
                  "not yet acknowledged to their publishers"),
        )),
    )),
    Row("Accounts", (
        Panel("Messages from clients",
              one(top(rate("nats_server_account_received_messages_total", ACCOUNT)), _BY_ACCOUNT),
              "mps"),
        Panel("Messages to clients",
              one(top(rate("nats_server_account_sent_messages_total", ACCOUNT)), _BY_ACCOUNT),
              "mps"),
        Panel("Connections",
              one(top(f"nats_server_account_connections{{{ACCOUNT}}}"), _BY_ACCOUNT)),
        Panel("Storage",
              one(top(f"nats_server_account_jetstream_storage_bytes{{{ACCOUNT}}}"), _BY_ACCOUNT),
              "bytes"),
        Panel("Memory streams",
              one(top(f"nats_server_account_jetstream_memory_bytes{{{ACCOUNT}}}"), _BY_ACCOUNT),
              "bytes"),
        Panel("JetStream requests", (
            Query(top(rate("nats_server_account_jetstream_api_requests_total", ACCOUNT)),
                  _BY_ACCOUNT),
            Query(top(rate("nats_server_account_jetstream_api_errors_total", ACCOUNT)),
                  "{{account}} refused"),
        ), "reqps"),
    )),
    Row("Streams", (
        Panel("Messages", one(top(f"nats_server_stream_messages{{{STREAM}}}"), _BY_STREAM)),
        Panel("Bytes", one(top(f"nats_server_stream_bytes{{{STREAM}}}"), _BY_STREAM), "bytes"),
        Panel("Stored per second",
              one(top(f"rate(nats_server_stream_last_sequence{{{STREAM}}}[$__rate_interval])"),
                  _BY_STREAM), "mps"),
        Panel("Age of the oldest message",
              one(top(f"nats_server_stream_oldest_message_age_seconds{{{STREAM}}}"), _BY_STREAM),
              "s", width=12),
        Panel("Not durable yet",
              one(top(f"nats_server_stream_last_sequence{{{STREAM}}} "
                      f"- nats_server_stream_durable_sequence{{{STREAM}}}"), _BY_STREAM),
              width=12, text="Stored, and not on the disk."),
    )),
    Row("Consumers", (
        Panel("Behind", one(top(f"nats_server_consumer_lag_messages{{{STREAM}}}"), _BY_CONSUMER),
              text="Not delivered, or not acknowledged."),
        Panel("Wait for acknowledgement",
              one(top(f"nats_server_consumer_ack_pending{{{STREAM}}}"), _BY_CONSUMER)),
        Panel("Waiting pulls",
              one(top(f"nats_server_consumer_waiting_pulls{{{STREAM}}}"), _BY_CONSUMER)),
        Panel("Deliveries",
              one(top(rate("nats_server_consumer_deliveries_total", STREAM)), _BY_CONSUMER), "mps"),
        Panel("Redeliveries",
              one(top(rate("nats_server_consumer_redeliveries_total", STREAM)), _BY_CONSUMER),
              "mps"),
        Panel("Since the last acknowledgement",
              one(top("time() - nats_server_consumer_last_acknowledgement_timestamp_seconds"
                      f"{{{STREAM}}}"), _BY_CONSUMER), "s"),
    )),
)  # fmt: skip
