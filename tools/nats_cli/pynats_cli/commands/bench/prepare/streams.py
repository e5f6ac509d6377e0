"""The stream of a benchmark: there, or created, and empty if that is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pynats_cli.commands.bench.content import every_subject
from pynats_cli.commands.bench.options import StoreOptions
from pynats_cli.errors import CliError
from pynats_cli.jetstream.api import STREAM_NOT_FOUND, JsApiError
from pynats_cli.screen.output import log

if TYPE_CHECKING:
    from pynats_cli.connect.session import Session

NAME_IN_USE = 10058
_ATOMIC_LEVEL = 2
FAST_LEVEL = 4
_NO_ROOM = (10028, 10047)  # in memory, on the disk
_PERSIST_LEVEL = 2


async def ready_stream(session: Session, options: StoreOptions) -> None:
    """Creates the stream, or looks that it is there; purges it. Raises CliError."""
    name = options.stream
    if options.create:
        await _create(session, options)
    else:
        await existing(session, name, f"could not access stream {name}: ", "; --create makes it")
    log(f"Using stream: {name}")
    if options.purge:
        log("Purging the stream")
        await purge(session, name)


async def existing(session: Session, name: str, said: str, hint: str = "") -> dict[str, Any]:
    """The information of a stream that is there. Raises CliError."""
    try:
        return await session.js.stream_info(name)
    except JsApiError as error:
        more = hint if error.code == STREAM_NOT_FOUND else ""
        raise CliError(f"{said}{error}{more}") from None


async def purge(session: Session, name: str) -> None:
    """Removes all messages. Raises CliError."""
    try:
        await session.js.request(f"STREAM.PURGE.{name}")
    except JsApiError as error:
        raise CliError(f"could not purge stream {name}: {error}") from None


async def _create(session: Session, options: StoreOptions) -> None:
    info = await session.js.account_info()
    level = int((info.get("api") or {}).get("level") or 0)
    if options.persistasync and level < _PERSIST_LEVEL:
        raise CliError("asynchronous persistence requires NATS Server 2.12")
    try:
        await session.js.request(f"STREAM.CREATE.{options.stream}", stream_config(options, level))
    except JsApiError as error:
        raise CliError(_not_created(options.stream, error)) from None


def _not_created(name: str, error: JsApiError) -> str:
    if error.code == NAME_IN_USE:
        return (
            "could not create the stream. If you want to delete and re-define the stream use "
            f"`pynats stream rm {name}`: {error}"
        )
    if error.code in _NO_ROOM:
        return f"could not create the stream: {error}; --maxbytes can be lower"
    return f"could not create the stream: {error}"


def stream_config(options: StoreOptions, level: int) -> dict[str, Any]:
    """The configuration of a new stream, for a server with this level of the API."""
    config: dict[str, Any] = {
        "name": options.stream,
        "subjects": [every_subject(options)],
        "retention": "limits",
        "max_consumers": -1,
        "max_msgs_per_subject": -1,
        "max_msgs": -1,
        "max_bytes": options.maxbytes,
        "max_age": 0,
        "max_msg_size": -1,
        "storage": options.storage,
        "discard": "new",
        "num_replicas": options.replicas,
        "duplicate_window": options.dedupwindow,
        "allow_direct": True,
    }
    if options.persistasync:
        config["persist_mode"] = "async"
    elif level >= _ATOMIC_LEVEL:
        config["allow_atomic"] = True
    if level >= FAST_LEVEL:
        config["allow_batched"] = True
    return config
