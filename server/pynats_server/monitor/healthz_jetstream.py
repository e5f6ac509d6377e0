"""The JetStream part of /healthz: whether all streams exist and their stores work.

A problem that prevents serving is an error. Lost messages are only a warning: they stay lost, and a
probe that fails forever would restart a healthy server again and again.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

import msgspec
from pynats_common.go.quoting import quote

from pynats_server.monitor.source import JetStreamView, StreamView

if TYPE_CHECKING:
    from pynats_server.jetstream.figures import OnDisk, StreamFigures

UNAVAILABLE = "unavailable"
NAMED_MAX = 10  # lost sequences that a warning names
DAMAGED_MAX = 100  # damaged consumers of a stream with a warning each


class HealthRequest(msgspec.Struct, kw_only=True):
    """What to check: everything, or one account, stream or consumer. `enabled_only` checks only
    that JetStream is on, `server_only` not even that."""

    account: str = ""
    stream: str = ""
    consumer: str = ""
    details: bool = False
    enabled_only: bool = False
    server_only: bool = False


class HealthError(msgspec.Struct, omit_defaults=True, kw_only=True):
    type: str
    account: str = ""
    stream: str = ""
    consumer: str = ""
    error: str


@dataclass(frozen=True, slots=True)
class Failure:
    """`word` is the body's status when only one failure is shown."""

    http_status: int
    word: str
    about: HealthError


async def check(
    jetstream: JetStreamView, known: Container[str], request: HealthRequest
) -> tuple[list[Failure], list[HealthError]]:
    """(failures, warnings; the latter with details only). `known` are the server's accounts."""
    streams = jetstream.streams(request.account, request.stream)
    on_disk = await jetstream.on_disk(request.account, request.stream, quarantine=request.details)
    missing = _missing(jetstream, on_disk, request)
    if missing is not None:
        return [missing], []
    failures = [
        *_unknown_accounts(on_disk, known, request),
        *_unserved(on_disk, known, request),
        *_unrecovered(jetstream, request),
        *_write_errors(streams),
        *_broken_consumers(streams, request),
    ]
    failures.sort(key=lambda failure: (failure.about.account, failure.about.stream))
    if request.consumer and (request.details or not failures):
        known_by = [stream for stream in streams if stream.consumers.has(request.consumer)]
        broken = [failure for failure in failures if failure.about.consumer]
        failures = [] if known_by else broken or [_no_consumer(request)]
    warnings = list(_warnings(streams, on_disk)) if request.details else []
    return failures, warnings


# -- failures ---------------------------------------------------------------------------------


def _missing(jetstream: JetStreamView, on_disk: OnDisk, request: HealthRequest) -> Failure | None:
    """An account that never had streams is not found: perhaps its store is not mounted."""
    if not request.account:
        return None
    account = jetstream.accounts.get(request.account)
    if request.account not in on_disk.accounts and not jetstream.streams(request.account):
        text = f"JetStream account {quote(request.account)} not found"
        about = HealthError(type="ACCOUNT", account=request.account, error=text)
        return Failure(404, UNAVAILABLE, about)
    if account is None or not request.stream or request.stream in account.unrecovered():
        return None
    if jetstream.streams(request.account, request.stream):
        return None
    text = (
        f"JetStream stream {quote(request.stream)} not found "
        f"on account {quote(request.account)}"
    )  # fmt: skip
    about = HealthError(
        type="STREAM", account=request.account, stream=request.stream, error=text
    )  # fmt: skip
    return Failure(404, UNAVAILABLE, about)


def _no_consumer(request: HealthRequest) -> Failure:
    text = (
        f"JetStream consumer {quote(request.consumer)} not found for stream "
        f"{quote(request.stream)} on account {quote(request.account)}"
    )
    about = HealthError(
        type="CONSUMER", account=request.account, stream=request.stream,
        consumer=request.consumer, error=text,
    )  # fmt: skip
    return Failure(404, UNAVAILABLE, about)


def _unknown_accounts(
    on_disk: OnDisk, known: Container[str], request: HealthRequest
) -> Iterator[Failure]:
    """Streams of accounts that the configuration no longer has."""
    for name in on_disk.accounts:
        if name not in known and request.account in ("", name):
            text = f"JetStream account '{name}' could not be resolved"
            about = HealthError(type="ACCOUNT", account=name, error=text)
            yield Failure(503, UNAVAILABLE, about)


def _unserved(on_disk: OnDisk, known: Container[str], request: HealthRequest) -> Iterator[Failure]:
    """Streams of accounts that no longer have JetStream."""
    for account, name in on_disk.unserved:
        if account in known and request.account in ("", account) and request.stream in ("", name):
            yield _not_recovered(
                account, name, "the account has no JetStream" if request.details else ""
            )


def _unrecovered(jetstream: JetStreamView, request: HealthRequest) -> Iterator[Failure]:
    for account in jetstream.accounts.values():
        if request.account not in ("", account.name):
            continue
        for name, reason in account.unrecovered().items():
            if request.stream in ("", name):
                yield _not_recovered(account.name, name, reason if request.details else "")


def _not_recovered(account: str, stream: str, reason: str) -> Failure:
    text = f"JetStream stream '{account} > {stream}' could not be recovered"
    text += f": {reason}" if reason else ""
    about = HealthError(type="STREAM", account=account, stream=stream, error=text)
    return Failure(503, UNAVAILABLE, about)


def _write_errors(streams: Iterable[StreamView]) -> Iterator[Failure]:
    for stream in streams:
        if stream.failure is not None:
            text = f"write error: {stream.failure}"
            yield Failure(503, UNAVAILABLE, _about(stream.figures(), text))


def _broken_consumers(streams: Iterable[StreamView], request: HealthRequest) -> Iterator[Failure]:
    for stream in streams:
        found = stream.figures()
        for name, reason in found.broken_consumers.items():
            if request.consumer in ("", name):
                text = "could not be recovered" + (f": {reason}" if request.details else "")
                yield Failure(503, UNAVAILABLE, _about_consumer(found, name, text))


# -- warnings ---------------------------------------------------------------------------------


def _warnings(streams: Iterable[StreamView], on_disk: OnDisk) -> Iterator[HealthError]:
    told = [(stream.figures(), stream) for stream in streams]
    for found, stream in sorted(told, key=lambda pair: (pair[0].account, pair[0].name)):
        if found.lost:
            named = ", ".join(map(str, stream.lost_sequences(NAMED_MAX)))
            more = ", ..." if found.lost > NAMED_MAX else ""
            yield _about(
                found, f"lost {found.lost} messages ({found.lost_bytes} bytes): {named}{more}"
            )
        for reason in found.unreadable[:NAMED_MAX]:
            yield _about(found, f"has messages that are unavailable: {reason}")
        for name, reason in islice(found.damaged_consumers.items(), DAMAGED_MAX):
            yield _about_consumer(found, name, f"was damaged: {reason}")
        count = on_disk.quarantined.get(found.folder) if found.folder else None
        if count:
            yield _about(found, f"has {count} files in quarantine: {found.folder}/quarantine")


def _about_consumer(stream: StreamFigures, name: str, text: str) -> HealthError:
    error = f"JetStream consumer '{stream.account} > {stream.name} > {name}' {text}"
    return HealthError(
        type="CONSUMER", account=stream.account, stream=stream.name, consumer=name, error=error
    )


def _about(stream: StreamFigures, text: str) -> HealthError:
    error = f"JetStream stream '{stream.account} > {stream.name}' {text}"
    return HealthError(type="STREAM", account=stream.account, stream=stream.name, error=error)
