"""`pynats kv info` and `kv ls`: buckets and their keys."""

from __future__ import annotations

from contextlib import aclosing
from dataclasses import dataclass
from typing import Annotated, Any

from pynats_common.commandline.declare import arg, opt

from pynats_cli.commands.buckets import show_buckets
from pynats_cli.commands.kv.buckets import show_bucket
from pynats_cli.connect.session import Session
from pynats_cli.flags import Shown
from pynats_cli.jetstream.bucket import by_size
from pynats_cli.jetstream.kv.bucket import Bucket
from pynats_cli.jetstream.kv.values import PUT, Value, Values, open_bucket
from pynats_cli.pickers import pick_bucket
from pynats_cli.screen.output import note, show


@dataclass(kw_only=True)
class InfoOptions(Shown):
    """Flags of `kv info`."""

    bucket: Annotated[str, arg("Bucket to show")] = ""


@dataclass(kw_only=True)
class ListOptions(Shown):
    """Flags of `kv ls`."""

    bucket: Annotated[str, arg("Bucket to list the keys of")] = ""
    key: Annotated[str, arg("Keys to list; may have wildcards")] = ""
    names: Annotated[bool, opt("--names", "-n", help="Names only")] = False
    verbose: Annotated[bool, opt("--verbose", "-v", help="More about each key")] = False
    display_value: Annotated[bool, opt("--display-value", help="Values, too (with --verbose)")] = (
        False
    )


async def info(session: Session, options: InfoOptions) -> None:
    """One bucket."""
    name = await pick_bucket(session, options.bucket)
    show_bucket(await open_bucket(session, name), options)


async def all_buckets(session: Session) -> list[Bucket]:
    """Every key-value bucket of the account, smallest first."""
    found = await Bucket.every(session.js, "$KV.*.>")
    known = {bucket.name for bucket in found}
    # Mirrors have no subjects.
    found += [bucket for bucket in await Bucket.every(session.js) if bucket.name not in known]
    return by_size(found)


async def ls(session: Session, options: ListOptions) -> None:
    """Buckets, or keys."""
    if options.bucket:
        await _list_keys(session, options)
    else:
        buckets = await all_buckets(session)
        show_buckets(options, buckets, "Key-Value", names_only=options.names)


async def _list_keys(session: Session, options: ListOptions) -> None:
    from pynats_cli.jetstream.kv.screens import keys_table

    values = Values(session, await open_bucket(session, options.bucket))
    with_values = options.verbose and options.display_value
    found: list[Value] = []
    watching = values.watch(options.key or ">", headers_only=not with_values)
    async with aclosing(watching):
        async for value in watching:
            if value is not None and value.operation == PUT:
                found.append(value)
    if not found and not options.names and not options.structured:
        note("No keys found in bucket")
        return
    if options.verbose:
        rows = [_row(values.bucket.name, value, with_values) for value in found]
        show(options, rows, lambda: keys_table(options.bucket, found, with_values).render())
    else:
        keys = sorted(value.key for value in found)
        show(options, keys, lambda: "\n".join(keys))


def _row(bucket: str, value: Value, with_value: bool) -> dict[str, Any]:
    row = value.as_dict(bucket)
    if not with_value:
        del row["value"]
    return row
