"""The consumers of a benchmark: created, or there already."""

from __future__ import annotations

import asyncio
import secrets
from typing import TYPE_CHECKING, Any

from pynats_cli.commands.bench.values import CONSUMER
from pynats_cli.errors import CliError
from pynats_cli.jetstream.api import CONSUMER_NOT_FOUND, JsApiError
from pynats_cli.screen.output import log

if TYPE_CHECKING:
    from pynats_cli.connect.session import Session

_AT_ONCE = 50


async def create(session: Session, stream: str, config: dict[str, Any]) -> None:
    """Creates a consumer, or leaves the same one as it is. Raises JsApiError."""
    await session.js.request(
        f"CONSUMER.CREATE.{stream}.{config['name']}", {"stream_name": stream, "config": config}
    )


async def create_ephemeral(
    session: Session, stream: str, configs: list[dict[str, Any]]
) -> list[str]:
    """Creates one for each client; their names. Raises CliError."""
    for begin in range(0, len(configs), _AT_ONCE):
        some = configs[begin : begin + _AT_ONCE]
        try:
            await asyncio.gather(*(create(session, stream, config) for config in some))
        except JsApiError as error:
            raise CliError(f"creating the ordered consumer: {error}") from None
    return [str(config["name"]) for config in configs]


def new_names(count: int) -> list[str]:
    """Names for ephemeral consumers."""
    run = secrets.token_hex(6)
    return [f"{CONSUMER}-{run}-{number}" for number in range(1, count + 1)]


async def _found(session: Session, stream: str, name: str) -> dict[str, Any] | None:
    try:
        return await session.js.consumer_info(stream, name)
    except JsApiError as error:
        if error.code == CONSUMER_NOT_FOUND:
            return None
        raise


async def ready_durable(session: Session, stream: str, config: dict[str, Any]) -> None:
    """The durable consumer is there. The usual one begins anew when an earlier run has left it; one
    that somebody uses, or of another name, stays as it is. Raises CliError."""
    name = str(config["name"])
    before = None
    try:
        before = await _found(session, stream, name)
        if name == CONSUMER and before is not None and _is_left(before, config):
            await session.js.request(f"CONSUMER.DELETE.{stream}.{name}")
            log(f"Beginning the durable consumer anew: {name}")
        await create(session, stream, config)
    except JsApiError as error:
        raise CliError(
            f"creating the durable consumer '{name}': {error}"
            + _advice(stream, name, exists=before is not None)
        ) from None


def _advice(stream: str, name: str, *, exists: bool) -> str:
    if not exists:
        return ""
    return f"; it exists with other settings: `pynats consumer rm {stream} {name}` removes it"


def _is_left(info: dict[str, Any], wanted: dict[str, Any]) -> bool:
    """Whether nobody uses a consumer, and it was made by a benchmark."""
    config = info.get("config") or {}
    used = info.get("num_waiting") or info.get("push_bound") or info.get("num_ack_pending")
    keys = ("durable_name", "deliver_policy", "inactive_threshold", "deliver_subject")
    return not used and all(config.get(key) == wanted.get(key) for key in keys)


async def existing(session: Session, stream: str, name: str) -> None:
    """Looks that a consumer is there. Raises CliError."""
    try:
        await session.js.consumer_info(stream, name)
    except JsApiError as error:
        raise CliError(f"getting durable consumer '{name}': {error}") from None
