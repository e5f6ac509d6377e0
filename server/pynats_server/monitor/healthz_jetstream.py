"""The JetStream part of /healthz: whether all streams exist and their stores work.

A problem that prevents serving is an error. Lost messages are only a warning: they stay lost, and a
probe that fails forever would restart a healthy server again and again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

import msgspec
from pynats_common.go.quoting import quote

from pynats_server.monitor.options import HealthzOptions
from pynats_server.monitor.source import JetStreamView, StreamView
from pynats_server.work import Steps, Work
from pynats_server.work.lists import slices

if TYPE_CHECKING:
    from pynats_server.jetstream.figures import OnDisk, StreamFigures

UNAVAILABLE = "unavailable"
STEP = 32  # streams looked at in one step
NAMED_MAX = 10  # lost sequences that a warning names
DAMAGED_MAX = 100  # damaged consumers of a stream with a warning each


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


def check(
    jetstream: JetStreamView, known: Container[str], options: HealthzOptions
) -> Steps[tuple[list[Failure], list[HealthError]]]:
    """(failures, warnings; the latter with details only). `known` are the server's accounts."""
    looking = asyncio.ensure_future(
        jetstream.on_disk(options.account, options.stream, quarantine=options.details)
    )
    try:
        yield looking
        on_disk = looking.result()
    finally:
        looking.cancel()
    missing = _missing(jetstream, on_disk, options)
    if missing is not None:
        return [missing], []
    streams = jetstream.streams(options.account, options.stream)
    failures = [
        *_unknown_accounts(on_disk, known, options),
        *_unserved(on_disk, known, options),
        *_unrecovered(jetstream, options),
    ]
    known_by = False
    for batch in slices(streams, STEP):
        yield None
        failures += _write_errors(batch)
        failures += _broken_consumers(batch, options)
        if options.consumer and not known_by:
            known_by = any(stream.consumers.has(options.consumer) for stream in batch)
    failures.sort(key=lambda failure: (failure.about.account, failure.about.stream))
    if options.consumer and (options.details or not failures):
        broken = [failure for failure in failures if failure.about.consumer]
        failures = [] if known_by else broken or [_no_consumer(options)]
    warnings = (yield from _all_warnings(streams, on_disk)) if options.details else []
    return failures, warnings


# -- failures ---------------------------------------------------------------------------------


def _missing(jetstream: JetStreamView, on_disk: OnDisk, options: HealthzOptions) -> Failure | None:
    """An account that never had streams is not found: perhaps its store is not mounted."""
    if not options.account:
        return None
    account = jetstream.accounts.get(options.account)
    if options.account not in on_disk.accounts and not jetstream.streams(options.account):
        text = f"JetStream account {quote(options.account)} not found"
        about = HealthError(type="ACCOUNT", account=options.account, error=text)
        return Failure(404, UNAVAILABLE, about)
    if account is None or not options.stream or options.stream in account.unrecovered():
        return None
    if jetstream.streams(options.account, options.stream):
        return None
    text = (
        f"JetStream stream {quote(options.stream)} not found "
        f"on account {quote(options.account)}"
    )  # fmt: skip
    about = HealthError(
        type="STREAM", account=options.account, stream=options.stream, error=text
    )  # fmt: skip
    return Failure(404, UNAVAILABLE, about)


def _no_consumer(options: HealthzOptions) -> Failure:
    text = (
        f"JetStream consumer {quote(options.consumer)} not found for stream "
        f"{quote(options.stream)} on account {quote(options.account)}"
    )
    about = HealthError(
        type="CONSUMER", account=options.account, stream=options.stream,
        consumer=options.consumer, error=text,
    )  # fmt: skip
    return Failure(404, UNAVAILABLE, about)


def _unknown_accounts(
    on_disk: OnDisk, known: Container[str], options: HealthzOptions
) -> Iterator[Failure]:
    """Streams of accounts that the configuration no longer has."""
    for name in on_disk.accounts:
        if name not in known and options.account in ("", name):
            text = f"JetStream account '{name}' could not be resolved"
            about = HealthError(type="ACCOUNT", account=name, error=text)
            yield Failure(503, UNAVAILABLE, about)


def _unserved(on_disk: OnDisk, known: Container[str], options: HealthzOptions) -> Iterator[Failure]:
    """Streams of accounts that no longer have JetStream."""
    for account, name in on_disk.unserved:
        if account in known and options.account in ("", account) and options.stream in ("", name):
            yield _not_recovered(
                account, name, "the account has no JetStream" if options.details else ""
            )


def _unrecovered(jetstream: JetStreamView, options: HealthzOptions) -> Iterator[Failure]:
    for account in jetstream.accounts.values():
        if options.account not in ("", account.name):
            continue
        for name, reason in account.unrecovered().items():
            if options.stream in ("", name):
                yield _not_recovered(account.name, name, reason if options.details else "")


def _not_recovered(account: str, stream: str, reason: str) -> Failure:
    text = f"JetStream stream '{account} > {stream}' {not_recovered(reason)}"
    about = HealthError(type="STREAM", account=account, stream=stream, error=text)
    return Failure(503, UNAVAILABLE, about)


def _write_errors(streams: Iterable[StreamView]) -> Iterator[Failure]:
    for stream in streams:
        if stream.failure is not None:
            text = write_error(stream.failure)
            yield Failure(503, UNAVAILABLE, _about(stream.figures(), text))


def _broken_consumers(streams: Iterable[StreamView], options: HealthzOptions) -> Iterator[Failure]:
    for stream in streams:
        for name, reason in stream.consumers.broken.items():
            if options.consumer in ("", name):
                text = not_recovered(reason if options.details else "")
                yield Failure(503, UNAVAILABLE, _about_consumer(stream.figures(), name, text))


# -- warnings ---------------------------------------------------------------------------------


def _all_warnings(streams: Iterable[StreamView], on_disk: OnDisk) -> Work[list[HealthError]]:
    """In the order of accounts and streams."""
    told: list[tuple[str, str, list[HealthError]]] = []
    for batch in slices(streams, STEP):
        yield
        for stream in batch:
            found = stream.figures()
            if warnings := list(_warnings(stream, found, on_disk)):
                told.append((found.account, found.name, warnings))
    told.sort(key=lambda each: each[:2])
    return [warning for _, _, warnings in told for warning in warnings]


def _warnings(stream: StreamView, found: StreamFigures, on_disk: OnDisk) -> Iterator[HealthError]:
    if found.lost:
        named = ", ".join(map(str, stream.lost_sequences(NAMED_MAX)))
        more = ", ..." if found.lost > NAMED_MAX else ""
        yield _about(found, f"{lost(found)}: {named}{more}")
    for reason in found.unreadable[:NAMED_MAX]:
        yield _about(found, unavailable(reason))
    for name, reason in islice(found.damaged_consumers.items(), DAMAGED_MAX):
        yield _about_consumer(found, name, damaged(reason))
    count = on_disk.quarantined.get(found.folder) if found.folder else None
    if count:
        yield _about(found, f"has {count} files in quarantine: {found.folder}/quarantine")


# -- words, for all who tell of a stream or consumer ---------------------------------------------


def write_error(reason: str) -> str:
    """Its storage takes no more changes."""
    return f"write error: {reason}"


def not_recovered(reason: str) -> str:
    """It could not be opened; without a reason where that is not to be told."""
    return "could not be recovered" + (f": {reason}" if reason else "")


def lost(stream: StreamFigures) -> str:
    """What damage has taken of it."""
    return f"lost {stream.lost} messages ({stream.lost_bytes} bytes)"


def unavailable(reason: str) -> str:
    """Some of its blocks cannot be read now."""
    return f"has messages that are unavailable: {reason}"


def damaged(reason: str) -> str:
    """What was recovered of it is not all."""
    return f"was damaged: {reason}"


def _about_consumer(stream: StreamFigures, name: str, text: str) -> HealthError:
    error = f"JetStream consumer '{stream.account} > {stream.name} > {name}' {text}"
    return HealthError(
        type="CONSUMER", account=stream.account, stream=stream.name, consumer=name, error=error
    )


def _about(stream: StreamFigures, text: str) -> HealthError:
    error = f"JetStream stream '{stream.account} > {stream.name}' {text}"
    return HealthError(type="STREAM", account=stream.account, stream=stream.name, error=error)
