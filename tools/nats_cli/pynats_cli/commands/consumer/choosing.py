"""The consumer a command is about: named, or picked from menus."""

from __future__ import annotations

from typing import Any

from pynats_cli.commands.consumer.options import OneConsumer
from pynats_cli.connect.session import Session
from pynats_cli.errors import CliError
from pynats_cli.jetstream.consumers.requests import load
from pynats_cli.pickers import pick_consumer, pick_stream


async def chosen(
    session: Session, options: OneConsumer, *, select: bool = True
) -> tuple[str, str, dict[str, Any]]:
    """Stream, consumer, and what the server says of it. Raises CliError."""
    if not select:
        _require_names(options)
    stream = await pick_stream(session, options.stream, everything=options.all)
    consumer = await pick_consumer(session, stream, options.consumer)
    return stream, consumer, await load(session, stream, consumer)


def _require_names(options: OneConsumer) -> None:
    for what, name in (("Stream", options.stream), ("Consumer", options.consumer)):
        if not name:
            raise CliError(f"could not select {what}: no {what} name supplied")


def label(stream: str, consumer: str) -> str:
    """How messages call a consumer."""
    return f"{stream} > {consumer}"
