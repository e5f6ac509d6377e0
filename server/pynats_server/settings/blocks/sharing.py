"""Reads what accounts export and import
(docs.nats.io/running-a-nats-service/configuration/securing_nats/accounts). Whether an import fits
its export is checked when all accounts are known (`accounts.plan`)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, TypeAlias

from pynats_common.config import Node, kind_of
from pynats_common.go.durations import parse_duration_s

from pynats_server.options import (
    AccountOptions,
    ResponseKind,
    ServiceExport,
    ServiceImport,
    ServiceLatency,
    StreamExport,
    StreamImport,
)
from pynats_server.settings.schema import Reader, Reading, Setting, Table
from pynats_server.settings.values import PercentWords, boolean, percentage, refuse, string

RESPONSES: dict[str, ResponseKind] = {
    "single": "singleton", "singleton": "singleton", "stream": "stream", "chunk": "chunked",
    "chunked": "chunked",
}  # fmt: skip
SAMPLE = PercentWords(
    unread='Failed to parse latency sample: "{number}" is not a number',
    other="Expected latency sample to be a string or map/struct, got {kind}",
    beyond="bad sampling percentage, should be 1-100",
)
TWICE = {
    "response": "Duplicate response type definition",
    "threshold": "Duplicate response threshold detected",
}


@dataclass(slots=True)
class _Origin:
    """Of an import."""

    account: str = ""
    subject: str = ""


@dataclass(slots=True)
class _Item:
    """The keys of an export or import, before it is known which of them belong together."""

    stream: Any = None
    service: Any = None
    accounts: list[str] = field(default_factory=list)
    account_token_position: int = 0
    response: ResponseKind = "singleton"
    threshold: float = 0.0
    latency: ServiceLatency | None = None
    allow_trace: bool = False
    prefix: str = ""
    to: str = ""
    share: bool = False


Exports: TypeAlias = tuple[list[StreamExport], list[ServiceExport]]
Imports: TypeAlias = tuple[list[StreamImport], list[ServiceImport]]


def read_exports(reading: Reading, node: Node, key: str) -> Exports:
    """An array of exports; what is wrong with one goes to `reading`."""
    streams: list[StreamExport] = []
    services: list[ServiceExport] = []

    def take(entry: Node) -> None:
        item, seen = _read_item(reading, entry, "Export", EXPORT)
        if {"stream", "service"} <= seen.keys():
            if _order(seen["stream"]) > _order(seen["service"]):
                what = f'stream "{item.stream}" but already saw a service'
                _refuse_any(seen, "stream", what)
            _refuse_any(seen, "service", f'service "{item.service}" but already saw a stream')
        if "stream" in seen:
            _refuse_any(seen, "latency", "latency directive on non-service")
            _refuse_any(seen, "response", "response directive on non-service")
            _refuse_any(seen, "threshold", "response directive on non-service")
            _refuse_any(seen, "allow_trace", "allow_trace directive on non-service")
            streams.append(StreamExport(item.stream, item.accounts, item.account_token_position))
        elif "service" in seen:
            services.append(
                ServiceExport(
                    item.service, item.accounts, item.account_token_position, item.response,
                    item.threshold, item.latency, item.allow_trace,
                )
            )  # fmt: skip

    for entry in _entries(node, "Exports"):
        reading.attempt(lambda entry=entry: take(entry))  # type: ignore[misc]
    return streams, services


def store_exports(account: AccountOptions, exports: Exports) -> None:
    account.stream_exports, account.service_exports = exports


def read_imports(reading: Reading, node: Node, key: str) -> Imports:
    """An array of imports; what is wrong with one goes to `reading`."""
    streams: list[StreamImport] = []
    services: list[ServiceImport] = []
    by_local: dict[tuple[str, str], ServiceImport] = {}

    def take(entry: Node) -> None:
        item, seen = _read_item(reading, entry, "Import", IMPORT)
        stream, service = seen.get("stream"), seen.get("service")
        if stream is not None and service is not None:
            if _order(stream) > _order(service):
                refuse(stream, "Detected stream but already saw a service")
            refuse(service, "Detected service but already saw a stream")
        if stream is not None:
            if item.prefix and item.to:
                later = max(seen["prefix"], seen["to"], key=_order)
                refuse(later, "Stream import can not have a 'prefix' and a 'to' property")
            streams.append(
                StreamImport(
                    item.stream.account, item.stream.subject, item.prefix, item.to, item.allow_trace
                )
            )
        elif service is not None:
            _refuse_any(seen, "allow_trace", "allow_trace directive on a non-stream")
            origin = item.service
            found = ServiceImport(origin.account, origin.subject, item.to, item.share)
            local = found.to or found.subject
            other = by_local.setdefault((found.account, local), found)
            if other is not found:
                refuse(
                    service,
                    f'Duplicate service import subject "{local}", previously used in import for '
                    f'account "{other.account}", subject "{other.subject}"',
                )
            services.append(found)

    for entry in _entries(node, "Imports"):
        reading.attempt(lambda entry=entry: take(entry))  # type: ignore[misc]
    return streams, services


def store_imports(account: AccountOptions, imports: Imports) -> None:
    account.stream_imports, account.service_imports = imports


def _entries(node: Node, what: str) -> list[Node]:
    if not isinstance(node.value, list):
        refuse(node, f"{what} should be an array, got {kind_of(node.value)}")
    return node.value


def _read_item(
    reading: Reading, node: Node, what: str, table: Table
) -> tuple[_Item, dict[str, Node]]:
    if not isinstance(node.value, dict):
        refuse(node, f"{what} Items should be a map with type entry, got {kind_of(node.value)}")
    _refuse_twice(table, node.value)
    item = _Item()
    return item, table.read(reading, node.value, item)


def _refuse_twice(table: Table, entries: dict[str, Node]) -> None:
    """What has several spellings is said once."""
    said: set[str] = set()
    for key, node in entries.items():
        setting = table.find(key)
        if setting is None:
            continue
        if setting.name in said and setting.name in TWICE:
            refuse(node, TWICE[setting.name])
        said.add(setting.name)


def _order(node: Node) -> tuple[int, int]:
    return node.position.line, node.position.column


def _refuse_any(seen: dict[str, Node], name: str, what: str) -> None:
    if name in seen:
        refuse(seen[name], f"Detected {what}")


def _subject(kind: str) -> Reader:
    def read(reading: Reading, node: Node, key: str) -> str:
        if not isinstance(node.value, str):
            refuse(node, f"Expected {kind} name to be string, got {kind_of(node.value)}")
        return node.value

    return read


def _origin(kind: str) -> Reader:
    def read(reading: Reading, node: Node, key: str) -> _Origin:
        if not isinstance(node.value, dict):
            refuse(node, f"{kind} entry should be an account map, got {kind_of(node.value)}")
        origin = _Origin()
        ORIGIN.read(reading, node.value, origin)
        if not origin.account or not origin.subject:
            refuse(node, "Expect an account name and a subject")
        return origin

    return read


def _names(reading: Reading, node: Node, key: str) -> list[str]:
    if not isinstance(node.value, list):
        refuse(node, f"Expected accounts to be an array, got {kind_of(node.value)}")
    return [string(reading, item, "the name of an account") for item in node.value]


def _position(reading: Reading, node: Node, key: str) -> int:
    if isinstance(node.value, bool) or not isinstance(node.value, int):
        refuse(node, f"Expected account token position to be an integer, got {kind_of(node.value)}")
    if node.value < 0:
        refuse(node, "account token position can not be negative")
    return node.value


def _response(reading: Reading, node: Node, key: str) -> ResponseKind:
    if not isinstance(node.value, str):
        refuse(node, f"Expected response type to be string, got {kind_of(node.value)}")
    found = RESPONSES.get(node.value.lower())
    if found is None:
        refuse(node, f'Unknown response type: "{node.value}"')
    return found


def _threshold(reading: Reading, node: Node, key: str) -> float:
    wanted = "Expected response threshold to be a parseable time duration, got"
    if not isinstance(node.value, str):
        refuse(node, f"{wanted} {kind_of(node.value)}")
    try:
        return parse_duration_s(node.value)
    except ValueError:
        refuse(node, f'{wanted} "{node.value}"')


def _latency(reading: Reading, node: Node, key: str) -> ServiceLatency:
    if isinstance(node.value, str):
        return ServiceLatency(node.value)
    if not isinstance(node.value, dict):
        refuse(
            node, f"Expected latency entry to be a map/struct or string, got {kind_of(node.value)}"
        )
    made = ServiceLatency("")
    seen = node.value  # here the real server knows only small letters
    if "sampling" in seen:
        made.sampling = _sampling(seen["sampling"])
    if "subject" not in seen:
        refuse(node, "Latency subject required, but missing")
    subject = seen["subject"]
    if not isinstance(subject.value, str):
        refuse(subject, f"Expected latency subject to be a string, got {kind_of(subject.value)}")
    made.subject = subject.value
    return made


def _sampling(node: Node) -> int:
    """Per cent; 0 = what the headers say."""
    if isinstance(node.value, str) and node.value.strip().lower() == "headers":
        return 0
    return percentage(node, "sampling", 1, SAMPLE)


ORIGIN = Table(
    _Origin,
    Setting("account", "the exporting account", string),
    Setting("subject", "its subject, or a part of it", string),
)
EXPORT = Table(
    _Item,
    Setting("stream", "messages that others may import", _subject("stream")),
    Setting("service", "or a service", _subject("service")),
    Setting("accounts", "who may import it; none = everybody", _names),
    Setting(
        "account_token_position",
        "the token, from 1, that has to be the importer's name",
        _position,
    ),
    Setting(
        "response",
        "how a service answers: singleton, stream or chunked",
        _response,
        ("response_type",),
    ),
    Setting(
        "threshold",
        "how long a service may take, default 2m",
        _threshold,
        ("response_threshold", "response_max_time", "response_time"),
    ),
    Setting("latency", "where the latency of a service goes: a subject, or a block", _latency),
    Setting("allow_trace", "traces of messages go on in this account", boolean),
)
IMPORT = Table(
    _Item,
    Setting("stream", "messages of another account", _origin("Stream"), block=ORIGIN),
    Setting("service", "or a service", _origin("Service"), block=ORIGIN),
    Setting("prefix", "what stands before the subjects of messages here", string),
    Setting("to", "the subject here", string),
    Setting("share", "tell a service who asks", boolean),
    Setting("allow_trace", "traces of messages go on in this account", boolean),
)
