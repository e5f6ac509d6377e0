"""`pynats kv info` and `kv ls`: buckets and their keys."""

from __future__ import annotations

from contextlib import aclosing
from dataclasses import dataclass
from typing import Annotated, Any

from pynats_common.commandline.declare import arg, opt

from pynats_cli.commands.kv.buckets import show_bucket
from pynats_cli.connect.session import Session
from pynats_cli.flags import Shown
from pynats_cli.jetstream.kv.bucket import STREAM, Bucket
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
    found = [
        Bucket(info["config"]["name"].removeprefix(STREAM), info)
        async for info in session.js.pages("STREAM.LIST", "streams", {"subject": "$KV.*.>"})
        if info["config"]["name"].startswith(STREAM)
    ]
    known = {bucket.name for bucket in found}
    # Mirrors have no subjects.
    found += [
        Bucket(name, info)
        async for info in session.js.pages("STREAM.LIST", "streams", {})
        if info["config"]["name"].startswith(STREAM)
        and (name := info["config"]["name"].removeprefix(STREAM)) not in known
    ]
    return sorted(found, key=lambda bucket: (int(bucket.state["bytes"]), bucket.name))


async def ls(session: Session, options: ListOptions) -> None:
    """Buckets, or keys."""
    if options.bucket:
        await _list_keys(session, options)
    else:
        await _list_buckets(session, options)


async def _list_buckets(session: Session, options: ListOptions) -> None:
    from pynats_cli.jetstream.kv.screens import buckets_table

    buckets = await all_buckets(session)
    if options.names:
        names = sorted(bucket.name for bucket in buckets)
        show(options, names, lambda: "\n".join(names))
    elif not buckets and not options.structured:
        note("No Key-Value buckets found")
    else:
        data = [bucket_row(bucket) for bucket in buckets]
        show(options, data, lambda: buckets_table(buckets).render())


def bucket_row(bucket: Bucket) -> dict[str, Any]:
    """A bucket in a list."""
    state = bucket.state
    return {
        "bucket": bucket.name,
        "description": bucket.config.get("description", ""),
        "created": bucket.info["created"],
        "bytes": state["bytes"],
        "values": state["messages"],
        "last_update": state.get("last_ts"),
    }


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
