"""The bucket of a benchmark: there, or created, and empty if that is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pynats_cli.commands.bench.prepare.streams import NAME_IN_USE, purge
from pynats_cli.commands.bench.values import BUCKET
from pynats_cli.commands.buckets import create
from pynats_cli.errors import CliError
from pynats_cli.jetstream.api import STREAM_NOT_FOUND, JsApiError
from pynats_cli.jetstream.kv.bucket import Bucket, Wish, new_config

if TYPE_CHECKING:
    from pynats_cli.connect.session import Session


async def opened(session: Session, name: str, doing: str) -> Bucket:
    """A bucket that is there. Raises CliError."""
    try:
        return Bucket(name, await session.js.stream_info(Bucket.stream_name(name)))
    except JsApiError as error:
        said = "nats: bucket not found" if error.code == STREAM_NOT_FOUND else str(error)
        raise CliError(f"{doing} kv bucket '{name}': {said}") from None


async def ready_bucket(session: Session, name: str, wish: Wish, *, empty: bool) -> None:
    """The bucket is there, and empty if that is asked for. Only the usual one is created: another
    one may be somebody's. Raises CliError."""
    if name != BUCKET:
        bucket = await opened(session, name, "getting the")
        if empty:
            await purge(session, bucket.stream)
        return
    config = new_config(name, wish)
    stream = str(config["name"])
    if empty:
        # With what it held it may also have other settings.
        try:
            await session.js.request(f"STREAM.CREATE.{stream}", config)
        except JsApiError as error:
            if error.code != NAME_IN_USE:
                raise
            await session.js.request(f"STREAM.DELETE.{stream}")
        else:
            await purge(session, stream)
            return
    try:
        await create(session, name, config)
    except JsApiError as error:
        raise CliError(f"could not create bucket {name}: {error}") from None
