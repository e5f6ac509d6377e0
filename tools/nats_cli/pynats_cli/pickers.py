"""Names that were left out: chosen from a menu at a terminal, an error without one.

A name that was given is never replaced by a menu: when nothing has it, that is said.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pynats_common.go.quoting import quote

from pynats_cli.errors import CliError
from pynats_cli.jetstream.api import STREAM_NOT_FOUND, JsApiError
from pynats_cli.screen import ask

if TYPE_CHECKING:
    from pynats_cli.connect.session import Session

_INTERNAL = ("KV_", "OBJ_", "$MQTT_")
_NAME_FAULTS = frozenset(" .*>/\\\t\r\n\x0c")


def is_internal(stream: str) -> bool:
    """Whether a stream is the store of a bucket or of MQTT sessions."""
    return stream.startswith(_INTERNAL)


def valid_stream_name(name: str) -> str:
    """The name. Raises CliError for one that no stream can have."""
    if not name or any(char in _NAME_FAULTS for char in name):
        raise CliError(f"{quote(name)} is not a valid stream name")
    return name


async def pick_stream(session: Session, given: str, everything: bool = False) -> str:
    """The name of a stream that exists. Raises CliError.

    `everything` offers also the streams of buckets.
    """
    if given:
        try:
            await session.js.stream_info(valid_stream_name(given))
        except JsApiError as error:
            if error.code == STREAM_NOT_FOUND:
                raise CliError(f"stream {quote(given)} not found") from None
            raise
        return given
    if not ask.has_terminal():
        raise CliError("cannot pick a Stream without a terminal and no Stream name supplied")
    names = [
        name for name in await session.js.stream_names() if everything or not is_internal(name)
    ]
    if not names:
        raise CliError("no Streams are defined")
    return ask.choose("Select a Stream", names)


async def pick_consumer(session: Session, stream: str, given: str) -> str:
    """The name of a consumer; a given one is not looked up. Raises CliError."""
    if given:
        return given
    if not ask.has_terminal():
        raise CliError(
            "could not select Consumer: cannot pick a Consumer without a terminal and no Consumer "
            "name supplied"
        )
    names = await session.js.consumer_names(stream)
    if not names:
        raise CliError(f"no Consumers are defined for Stream {stream}")
    return ask.choose("Select a Consumer", names)


async def pick_bucket(session: Session, given: str) -> str:
    """A key-value bucket. Raises CliError."""
    return given or await _pick_bucket(session, "KV_")


async def pick_object_bucket(session: Session, given: str) -> str:
    """An object bucket. Raises CliError."""
    return given or await _pick_bucket(session, "OBJ_")


async def _pick_bucket(session: Session, prefix: str) -> str:
    if not ask.has_terminal():
        raise CliError("cannot pick a Bucket without a terminal and no Bucket name supplied")
    names = await session.js.stream_names()
    found = [name.removeprefix(prefix) for name in names if name.startswith(prefix)]
    if not found:
        raise CliError("no Bucket found")
    return ask.choose("Select a Bucket", found)
