"""The kinds of checks the exporter knows: their properties, and what each runs."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pynats_common.go.durations import SECOND_NS, parse_long_duration_ns
from pynats_common.go.quoting import quote_excerpt

from pynats_cli.servers.checks.connection import ConnectionThresholds
from pynats_cli.servers.checks.consumer import ConsumerThresholds, check_consumer
from pynats_cli.servers.checks.credential import CredentialExpectation, check_credential
from pynats_cli.servers.checks.jetstream import JetStreamThresholds
from pynats_cli.servers.checks.kv import BucketExpectation, check_kv
from pynats_cli.servers.checks.message import MessageExpectation, check_message
from pynats_cli.servers.checks.meta import MetaExpectation
from pynats_cli.servers.checks.request import AnswerExpectation
from pynats_cli.servers.checks.result import Result
from pynats_cli.servers.checks.server import ServerThresholds
from pynats_cli.servers.checks.stream import StreamThresholds, check_stream

if TYPE_CHECKING:
    from pynats_cli.connect.session import Session

Values = dict[str, Any]
Reader = Callable[[object], Any]


def text(value: object) -> str:
    if not isinstance(value, (str, int, float)) or isinstance(value, bool):
        raise ValueError("must be a text")
    return str(value)


def whole(value: object) -> int | None:
    """A number; a negative one means `not checked`."""
    if not isinstance(value, int) or isinstance(value, bool):
        raise ValueError("must be a whole number")
    return value if value >= 0 else None


def duration(value: object) -> int:
    """Nanoseconds of `1d3h`, or of a number of seconds."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return round(value * SECOND_NS)
    return parse_long_duration_ns(text(value))


def truth(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError("must be true or false")
    return value


def pattern(value: object) -> re.Pattern[str]:
    try:
        return re.compile(text(value))
    except re.error as error:
        raise ValueError(f"is no regular expression: {error}") from None


def texts(value: object) -> dict[str, str]:
    if not isinstance(value, dict):
        raise ValueError("must be a mapping")
    return {text(name): text(each) for name, each in value.items()}


@dataclass(frozen=True)
class Kind:
    """`properties` are their names with the field each fills and its reader. `run` gets a session,
    None for a check that needs none."""

    properties: dict[str, tuple[str, Reader]]
    run: Callable[[Any, Values, Result], Awaitable[None]]
    required: tuple[str, ...] = ()
    connects: bool = True
    defaults: Values = field(default_factory=dict)

    def read(self, given: object) -> Values:
        """The values of the fields. Raises ValueError."""
        if not isinstance(given, dict):
            raise ValueError("properties must be a mapping")
        values = dict(self.defaults)
        for name, value in given.items():
            known = self.properties.get(name)
            if known is None:
                raise ValueError(f"unknown property {quote_excerpt(str(name))}")
            try:
                values[known[0]] = known[1](value)
            except ValueError as error:
                raise ValueError(f"{name}: {error}") from None
        for name in self.required:
            if values.get(self.properties[name][0]) in (None, ""):
                raise ValueError(f"property {name} is required")
        return values


async def _connection(session: Session, values: Values, result: Result) -> None:
    from pynats_cli.servers.checks.live import check_round_trips

    await check_round_trips(session, ConnectionThresholds(**values), result)


async def _stream(session: Session, values: Values, result: Result) -> None:
    from pynats_cli.servers.checks.live import Api

    stream = values.pop("stream")
    await check_stream(Api(session), stream, StreamThresholds(**values), result)


async def _consumer(session: Session, values: Values, result: Result) -> None:
    from pynats_cli.servers.checks.live import Api

    stream, consumer = values.pop("stream"), values.pop("consumer")
    await check_consumer(Api(session), stream, consumer, ConsumerThresholds(**values), result)


async def _message(session: Session, values: Values, result: Result) -> None:
    from pynats_cli.servers.checks.live import Api

    stream = values.pop("stream")
    await check_message(Api(session), stream, MessageExpectation(**values), result)


async def _meta(session: Session, values: Values, result: Result) -> None:
    from pynats_cli.servers.checks.live import check_meta

    await check_meta(session, MetaExpectation(**values), result)


async def _jetstream(session: Session, values: Values, result: Result) -> None:
    from pynats_cli.servers.checks.live import check_jetstream

    await check_jetstream(session, JetStreamThresholds(**values), result)


async def _server(session: Session, values: Values, result: Result) -> None:
    from pynats_cli.servers.checks.live import check_server

    name = values.pop("name")
    await check_server(session, name, ServerThresholds(**values), result)


async def _kv(session: Session, values: Values, result: Result) -> None:
    from pynats_cli.servers.checks.live import Api

    bucket = values.pop("bucket")
    await check_kv(Api(session), bucket, BucketExpectation(**values), result)


async def _request(session: Session, values: Values, result: Result) -> None:
    from pynats_cli.servers.checks.live import check_request

    subject = values.pop("subject")
    payload = values.pop("body", "").encode()
    headers = [*values.pop("send_headers", {}).items()]
    await check_request(session, subject, payload, headers, AnswerExpectation(**values), result)


async def _credential(_: None, values: Values, result: Result) -> None:
    path = Path(values.pop("file"))
    check_credential(path, CredentialExpectation(**values), result)


def _pair(stem: str, name: str, reader: Reader = whole) -> dict[str, tuple[str, Reader]]:
    """A warning and a critical threshold."""
    return {
        f"{name}_warning": (f"{stem}_warn", reader),
        f"{name}_critical": (f"{stem}_critical", reader),
    }


KINDS: dict[str, Kind] = {
    "connection": Kind(
        _pair("connect", "connect_time", duration) | _pair("rtt", "server_rtt", duration)
        | _pair("req", "request_rtt", duration),
        _connection,
    ),
    "stream": Kind(
        {
            "stream_name": ("stream", text),
            "sources_lag_critical": ("lag_critical", whole),
            "sources_seen_critical": ("seen_critical", duration),
            "min_sources": ("min_sources", whole), "max_sources": ("max_sources", whole),
            "cluster_expected_peers": ("peer_expect", whole),
            "cluster_lag_critical": ("peer_lag_critical", whole),
            "cluster_seen_critical": ("peer_seen_critical", duration),
            "messages_warn": ("msgs_warn", whole), "messages_critical": ("msgs_critical", whole),
            "subjects_warn": ("subjects_warn", whole),
            "subjects_critical": ("subjects_critical", whole),
        },
        _stream, ("stream_name",),
    ),
    "consumer": Kind(
        {
            "stream_name": ("stream", text), "consumer_name": ("consumer", text),
            "ack_outstanding_critical": ("outstanding_ack_critical", whole),
            "waiting_critical": ("waiting_critical", whole),
            "unprocessed_critical": ("unprocessed_critical", whole),
            "last_delivery_critical": ("last_delivery_critical", duration),
            "last_ack_critical": ("last_ack_critical", duration),
            "redelivery_critical": ("redelivery_critical", whole), "pinned": ("pinned", truth),
        },
        _consumer, ("stream_name", "consumer_name"),
    ),
    "message": Kind(
        {
            "stream_name": ("stream", text), "subject": ("subject", text),
            "content_regex": ("content", pattern), "body_as_timestamp": ("body_timestamp", truth),
            **_pair("age", "age", duration),
        },
        _message, ("stream_name",),
    ),
    "meta": Kind(
        {
            "expect_servers": ("expect", whole), "lag_critical": ("lag_critical", whole),
            "seen_critical": ("seen_critical", duration),
        },
        _meta, ("expect_servers", "lag_critical", "seen_critical"),
    ),
    "jetstream": Kind(
        {
            **_pair("mem", "memory"), **_pair("store", "file"), **_pair("streams", "stream"),
            **_pair("consumers", "consumers"), "check_replicas": ("replicas", truth),
            "replica_seen_critical": ("replica_seen_critical", duration),
            "replica_lag_critical": ("replica_lag_critical", whole),
        },
        _jetstream,
    ),
    "server": Kind(
        {
            "name": ("name", text), **_pair("cpu", "cpu"), **_pair("mem", "memory"),
            **_pair("conn", "connections"), **_pair("subs", "subscriptions"),
            **_pair("uptime", "uptime", duration),
            "authentication_required": ("auth_required", truth),
            "tls_required": ("tls_required", truth),
            "jet_stream_required": ("js_required", truth),
            "tls_expire_warning": ("tls_cert_warn", duration),
            "tls_expire_critical": ("tls_cert_crit", duration),
        },
        _server, ("name",),
    ),
    "kv": Kind(
        {"bucket": ("bucket", text), "key": ("key", text), **_pair("values", "values")},
        _kv, ("bucket",),
    ),
    "credential": Kind(
        {
            "file": ("file", text), "requires_expiry": ("require_expiry", truth),
            **_pair("validity", "validity", duration),
        },
        _credential, ("file",), connects=False,
    ),
    "request": Kind(
        {
            "subject": ("subject", text), "payload": ("body", text),
            "header": ("send_headers", texts), "headers": ("headers", texts),
            "response_match": ("payload", pattern),
            "response_time_warn": ("response_warn", duration),
            "response_time_crit": ("response_critical", duration),
        },
        _request, ("subject",),
    ),
}  # fmt: skip
