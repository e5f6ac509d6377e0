"""The JetStream part of /healthz: are all streams there, and do their stores still work?

What stands in the way of serving is an error. Losses are warnings: damage of the past stays true
for ever, and a probe that fails for ever would have a healthy server restarted again and again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from pynats_server.monitor.gotext import quoted

if TYPE_CHECKING:
    from pynats_server.jetstream.account import JetStreamAccount
    from pynats_server.jetstream.manager import JetStream
    from pynats_server.jetstream.stream.stream import Stream

UNAVAILABLE = "unavailable"
NAMED_MAX = 10  # lost sequences a warning names


class HealthRequest(msgspec.Struct, kw_only=True):
    """What to look at: everything, or one account, stream or consumer. `enabled_only` stops at
    whether JetStream is on, `server_only` before."""

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


@dataclass(frozen=True, slots=True)
class _OnDisk:
    accounts: list[str]  # folders of accounts
    unserved: list[tuple[str, str]]  # streams (account, name) of accounts without JetStream
    quarantined: dict[Path, int]  # folder of a stream -> files in its quarantine, if any


async def check(
    jetstream: JetStream, known: Container[str], request: HealthRequest
) -> tuple[list[Failure], list[HealthError]]:
    """(failures, warnings; the latter with details only). `known` are the server's accounts."""
    streams = [s for a in _asked_accounts(jetstream, request) for s in _asked(a, request)]
    folders = [stream.folder for stream in streams if stream.folder is not None]
    served = frozenset(jetstream.accounts)
    on_disk = await asyncio.to_thread(
        _look_at_disk,
        jetstream.folder,
        jetstream.staging,
        served,
        folders if request.details else [],
    )
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


def _look_at_disk(
    store: Path, staging: Path, served: Container[str], streams: Iterable[Path]
) -> _OnDisk:
    """Blocks. An account's folder has `streams` in it; others may stand beside, as lost+found."""
    folders = [path for path in _entries(store) if path != staging]
    accounts = [path.name for path in folders if (path / "streams").is_dir()]
    unserved = [
        (account, path.name)
        for account in accounts
        if account not in served
        for path in _entries(store / account / "streams")
        if path.is_dir()
    ]
    counts = ((folder, len(_entries(folder / "quarantine"))) for folder in streams)
    return _OnDisk(accounts, unserved, {folder: count for folder, count in counts if count})


def _entries(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except FileNotFoundError:
        return []


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


def _missing(jetstream: JetStream, on_disk: _OnDisk, request: HealthRequest) -> Failure | None:
    """An account without streams, past or present, is not found: it may be one whose store is
    not mounted."""
    if not request.account:
        return None
    account = jetstream.accounts.get(request.account)
    if request.account not in on_disk.accounts and not (account and account.streams):
        text = f"JetStream account {quoted(request.account)} not found"
        about = HealthError(type="ACCOUNT", account=request.account, error=text)
        return Failure(404, UNAVAILABLE, about)
    there = account is not None and (
        request.stream in account.streams or request.stream in account.broken
    )
    if account is None or not request.stream or there:
        return None
    text = (
        f"JetStream stream {quoted(request.stream)} not found "
        f"on account {quoted(request.account)}"
    )  # fmt: skip
    about = HealthError(
        type="STREAM", account=request.account, stream=request.stream, error=text
    )  # fmt: skip
    return Failure(404, UNAVAILABLE, about)


def _no_consumer(request: HealthRequest) -> Failure:
    text = (
        f"JetStream consumer {quoted(request.consumer)} not found for stream "
        f"{quoted(request.stream)} on account {quoted(request.account)}"
    )
    about = HealthError(
        type="CONSUMER", account=request.account, stream=request.stream,
        consumer=request.consumer, error=text,
    )  # fmt: skip
    return Failure(404, UNAVAILABLE, about)


def _unknown_accounts(
    on_disk: _OnDisk, known: Container[str], request: HealthRequest
) -> Iterator[Failure]:
    """Streams of accounts that the configuration does not have (any more)."""
    for name in on_disk.accounts:
        if name not in known and request.account in ("", name):
            text = f"JetStream account '{name}' could not be resolved"
            about = HealthError(type="ACCOUNT", account=name, error=text)
            yield Failure(503, UNAVAILABLE, about)


def _unserved(on_disk: _OnDisk, known: Container[str], request: HealthRequest) -> Iterator[Failure]:
    """Streams of accounts that have no JetStream any more."""
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


def _warnings(streams: Iterable[Stream], on_disk: _OnDisk) -> Iterator[HealthError]:
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
