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

if TYPE_CHECKING:
    from pynats_server.jetstream.account import JetStreamAccount
    from pynats_server.jetstream.folders import OnDisk
    from pynats_server.jetstream.manager import JetStream
    from pynats_server.jetstream.stream.stream import Stream

UNAVAILABLE = "unavailable"
NAMED_MAX = 10  # lost sequences a warning names


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
    jetstream: JetStream, known: Container[str], request: HealthRequest
) -> tuple[list[Failure], list[HealthError]]:
    """(failures, warnings; the latter with details only). `known` are the server's accounts."""
    streams = [s for a in _asked_accounts(jetstream, request) for s in _asked(a, request)]
    folders = [stream.folder for stream in streams if stream.folder is not None]
    on_disk = await jetstream.on_disk(folders if request.details else [])
    missing = _missing(jetstream, on_disk, request)
    if missing is not None:
        return [missing], []
    failures = [
        *_unknown_accounts(on_disk, known, request),
        *_unserved(on_disk, known, request),
        *_unrecovered(jetstream, request),
        *_write_errors(streams),
    ]
    failures.sort(key=lambda failure: (failure.about.account, failure.about.stream))
    if request.consumer and (request.details or not failures):
        failures = [_no_consumer(request)]
    warnings = list(_warnings(streams, on_disk)) if request.details else []
    return failures, warnings


def _asked_accounts(jetstream: JetStream, request: HealthRequest) -> list[JetStreamAccount]:
    if not request.account:
        return list(jetstream.accounts.values())
    found = jetstream.accounts.get(request.account)
    return [found] if found is not None else []


def _asked(account: JetStreamAccount, request: HealthRequest) -> list[Stream]:
    if not request.stream:
        return list(account.streams.values())
    found = account.streams.get(request.stream)
    return [found] if found is not None else []


# -- failures ---------------------------------------------------------------------------------


def _missing(jetstream: JetStream, on_disk: OnDisk, request: HealthRequest) -> Failure | None:
    """An account that never had streams is not found: perhaps its store is not mounted."""
    if not request.account:
        return None
    account = jetstream.accounts.get(request.account)
    if request.account not in on_disk.accounts and not (account and account.streams):
        text = f"JetStream account {quote(request.account)} not found"
        about = HealthError(type="ACCOUNT", account=request.account, error=text)
        return Failure(404, UNAVAILABLE, about)
    there = account is not None and (
        request.stream in account.streams or request.stream in account.broken
    )
    if account is None or not request.stream or there:
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


def _unrecovered(jetstream: JetStream, request: HealthRequest) -> Iterator[Failure]:
    for account in _asked_accounts(jetstream, request):
        for name, reason in account.broken.items():
            if request.stream in ("", name):
                yield _not_recovered(account.name, name, reason if request.details else "")


def _not_recovered(account: str, stream: str, reason: str) -> Failure:
    text = f"JetStream stream '{account} > {stream}' could not be recovered"
    text += f": {reason}" if reason else ""
    about = HealthError(type="STREAM", account=account, stream=stream, error=text)
    return Failure(503, UNAVAILABLE, about)


def _write_errors(streams: Iterable[Stream]) -> Iterator[Failure]:
    for stream in streams:
        if stream.store.failed is not None:
            text = f"write error: {stream.store.failed}"
            yield Failure(503, UNAVAILABLE, _about(stream, text))


# -- warnings ---------------------------------------------------------------------------------


def _warnings(streams: Iterable[Stream], on_disk: OnDisk) -> Iterator[HealthError]:
    for stream in sorted(streams, key=lambda stream: (stream.account.name, stream.name)):
        lost = stream.store.lost
        if lost:
            named = ", ".join(map(str, islice(lost, NAMED_MAX)))
            more = ", ..." if len(lost) > NAMED_MAX else ""
            yield _about(
                stream,
                f"lost {len(lost)} messages ({stream.store.lost_bytes} bytes): {named}{more}",
            )
        count = on_disk.quarantined.get(stream.folder) if stream.folder else None
        if count:
            yield _about(stream, f"has {count} files in quarantine: {stream.folder}/quarantine")


def _about(stream: Stream, text: str) -> HealthError:
    account, name = stream.account.name, stream.name
    error = f"JetStream stream '{account} > {name}' {text}"
    return HealthError(type="STREAM", account=account, stream=name, error=error)
