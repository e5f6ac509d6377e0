"""What the commands of key-value and object buckets share: making buckets and listing them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from pynats_common.commandline.kinds import Choice

from pynats_cli.connect.session import Session
from pynats_cli.errors import CliError
from pynats_cli.flags import Shown
from pynats_cli.jetstream.api import JsApiError
from pynats_cli.jetstream.bucket import StreamBucket
from pynats_cli.screen.output import note, show

NAME_IN_USE = 10058
STORAGE = Choice("file", "memory", f="file", m="memory")


def tags_of(texts: Iterable[str]) -> tuple[str, ...]:
    """The tags of a flag that may be repeated, and may name several at once."""
    return tuple(tag for text in texts for tag in text.split(",") if tag)


async def create(session: Session, bucket: str, config: dict[str, Any]) -> None:
    """Makes the stream of a bucket, unless it is there and the same. Raises CliError."""
    try:
        await session.js.request(f"STREAM.CREATE.{config['name']}", config)
    except JsApiError as error:
        if error.code == NAME_IN_USE:
            raise CliError(f"bucket name already in use: {bucket}: {error}") from None
        raise


def show_buckets(
    options: Shown, buckets: Sequence[StreamBucket], kind: str, *, names_only: bool
) -> None:
    """A list of buckets; `kind` is what a screen calls them."""
    if names_only:
        names = sorted(bucket.name for bucket in buckets)
        show(options, names, lambda: "\n".join(names))
        return
    if not buckets and not options.structured:
        note(f"No {kind} buckets found")
        return
    from pynats_cli.jetstream.bucket_table import buckets_table

    rows = [bucket.row() for bucket in buckets]
    show(options, rows, lambda: buckets_table(f"{kind} Buckets", buckets).render())
