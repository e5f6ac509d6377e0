"""`pynats kv del`, `purge` and `compact`: what takes values away."""

from __future__ import annotations

import time
from contextlib import aclosing
from dataclasses import dataclass
from typing import Annotated, Any

from pynats_common.commandline.declare import arg, opt
from pynats_common.commandline.kinds import DURATION
from pynats_common.go.durations import MINUTE_NS

from pynats_cli.connect.session import Session
from pynats_cli.errors import CliError
from pynats_cli.flags import Force
from pynats_cli.jetstream.api import STREAM_NOT_FOUND, JsApiError
from pynats_cli.jetstream.kv.bucket import Bucket, check_key
from pynats_cli.jetstream.kv.values import PUT, Values, open_bucket
from pynats_cli.screen.ask import sure
from pynats_cli.screen.output import note
from pynats_cli.screen.progress import bar

KEPT_NS = 30 * MINUTE_NS
"""Markers that are younger stay, so that who watches learns of them."""
PROGRESS_ABOVE = 20


@dataclass(kw_only=True)
class DeleteOptions(Force):
    """Flags of `kv del`."""

    bucket: Annotated[str, arg("Bucket to act on")]
    key: Annotated[str, arg("Key to delete; the bucket without it")] = ""


@dataclass(kw_only=True)
class PurgeOptions(Force):
    """Flags of `kv purge`."""

    bucket: Annotated[str, arg("Bucket to act on")]
    key: Annotated[str, arg("Key to purge")]
    ttl: Annotated[int | None, opt("--ttl", help="How long the marker stays", kind=DURATION)] = None


@dataclass(kw_only=True)
class CompactOptions(Force):
    """Flags of `kv compact`."""

    bucket: Annotated[str, arg("Bucket to act on")]


async def delete(session: Session, options: DeleteOptions) -> None:
    """A key, or a whole bucket."""
    if not options.key:
        await _delete_bucket(session, options)
        return
    check_key(options.key)
    values = Values(session, await open_bucket(session, options.bucket))
    if sure(options.force, f"Delete key {options.bucket} > {options.key}?", "not deleted"):
        await values.delete(options.key)


async def _delete_bucket(session: Session, options: DeleteOptions) -> None:
    stream = Bucket.stream_name(options.bucket)
    if not sure(options.force, f"Delete bucket {options.bucket}?", "not deleted"):
        return
    try:
        await session.js.request(f"STREAM.DELETE.{stream}")
    except JsApiError as error:
        if error.code == STREAM_NOT_FOUND:
            raise CliError(f"nats: bucket not found: {options.bucket}") from None
        raise


async def purge(session: Session, options: PurgeOptions) -> None:
    """A key with its history."""
    check_key(options.key)
    values = Values(session, await open_bucket(session, options.bucket))
    question = f"Purge key {options.bucket} > {options.key}?"
    if sure(options.force, question, "not purged"):
        await values.purge(options.key, options.ttl or 0)


async def compact(session: Session, options: CompactOptions) -> None:
    """Purges keys that were deleted; young markers stay."""
    values = Values(session, await open_bucket(session, options.bucket))
    question = (
        f"Purge all historic values and audit trails for deleted keys in bucket {options.bucket}?"
    )
    if not sure(options.force, question, "not compacted"):
        return
    markers = []
    watching = values.watch()
    async with aclosing(watching):
        async for value in watching:
            if value is not None and value.operation != PUT:
                markers.append(value)
    removed = kept = 0
    stream, oldest = values.bucket.stream, time.time_ns() - KEPT_NS
    with bar(len(markers), shown=len(markers) > PROGRESS_ABOVE) as progress:
        for marker in markers:
            keep = int(marker.time_ns > oldest)
            request: dict[str, Any] = {"filter": values.bucket.subjects + marker.key}
            if keep:
                request |= {"keep": keep}
            await session.js.request(f"STREAM.PURGE.{stream}", request)
            kept += keep
            removed += 1 - keep
            progress(1)
    note(f"Removed {removed} markers, kept {kept} younger than 30 minutes")
