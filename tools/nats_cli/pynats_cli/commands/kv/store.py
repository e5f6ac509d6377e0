"""`pynats kv put`, `create`, `update` and `revert`."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from typing import Annotated

from pynats_common.commandline.declare import arg, opt
from pynats_common.commandline.kinds import DURATION, UNSIGNED
from pynats_common.go.text import bytes_of

from pynats_cli.connect.session import Session
from pynats_cli.errors import CliError
from pynats_cli.flags import Shown
from pynats_cli.jetstream.api import JsApiError
from pynats_cli.jetstream.kv.values import WRONG_LAST, Values, open_bucket
from pynats_cli.screen.ask import sure
from pynats_cli.screen.output import line, show, write


@dataclass(kw_only=True)
class PutOptions:
    """Flags of `kv put`."""

    bucket: Annotated[str, arg("Bucket to act on")]
    key: Annotated[str, arg("Key to store")]
    value: Annotated[str | None, arg("Value; standard input without it")] = None


@dataclass(kw_only=True)
class CreateOptions(PutOptions):
    """Flags of `kv create`."""

    ttl: Annotated[int | None, opt("--ttl", help="How long the key lives", kind=DURATION)] = None


@dataclass(kw_only=True)
class UpdateOptions:
    """Flags of `kv update`."""

    bucket: Annotated[str, arg("Bucket to act on")]
    key: Annotated[str, arg("Key to store")]
    value: Annotated[str, arg("Value; standard input when it is empty")]
    revision: Annotated[int, arg("Revision that is to be replaced", kind=UNSIGNED)]


@dataclass(kw_only=True)
class RevertOptions(Shown):
    """Flags of `kv revert`."""

    bucket: Annotated[str, arg("Bucket to act on")]
    key: Annotated[str, arg("Key to act on")]
    revision: Annotated[int, arg("Revision to store again", kind=UNSIGNED)]
    force: Annotated[bool | None, opt("--force/--no-force", "-f", help="Act without asking")] = None


async def _given(value: str | None) -> bytes:
    """The value of the command line, or standard input."""
    import asyncio

    if value is not None:
        return bytes_of(value)
    if os.isatty(0) and not os.isatty(1):
        return b""
    return await asyncio.to_thread(sys.stdin.buffer.read)


def _echo(value: str | None) -> None:
    """What was stored; not what came by standard input."""
    if value is not None:
        write(bytes_of(value) + b"\n")


async def put(session: Session, options: PutOptions) -> None:
    """Stores a value."""
    values = Values(session, await open_bucket(session, options.bucket))
    await values.put(options.key, await _given(options.value))
    _echo(options.value)


async def create(session: Session, options: CreateOptions) -> None:
    """Stores a value of a key that is not there."""
    values = Values(session, await open_bucket(session, options.bucket))
    await values.create(options.key, await _given(options.value), options.ttl or 0)
    _echo(options.value)


async def update(session: Session, options: UpdateOptions) -> None:
    """Stores a value unless the key has changed."""
    values = Values(session, await open_bucket(session, options.bucket))
    # The revision stands behind the value: an empty one is the only way to leave it out.
    value = options.value if options.value or os.isatty(0) else None
    try:
        await values.update(options.key, await _given(value), options.revision)
    except JsApiError as error:
        if error.code == WRONG_LAST:
            raise CliError(f"{error.description}: key revision mismatch ({error.code})") from None
        raise
    _echo(value)


async def revert(session: Session, options: RevertOptions) -> int | None:
    """Stores an earlier value again."""
    from pynats_cli.jetstream.kv.screens import history_table, text_of

    values = Values(session, await open_bucket(session, options.bucket))
    if values.bucket.history == 1:
        raise CliError("cannot revert key in a bucket where history=1")
    before = await values.get(options.key, options.revision)
    latest = await values.find(options.key)
    if latest is not None and latest.revision == before.revision:
        raise CliError(f"revision {before.revision} is the newest value of the key")
    if not options.force:
        line(f"Revision: {before.revision}\n\n{text_of(before.data)}\n")
    if not sure(bool(options.force), f"Revert to revision {before.revision}?", "not reverted"):
        return None
    await values.update(options.key, before.data, latest.revision if latest else 0)
    all_values = await values.history(options.key)
    data = [value.as_dict(options.bucket) for value in all_values]
    show(options, data, lambda: history_table(options.bucket, options.key, all_values).render())
    return None
