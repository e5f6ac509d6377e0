"""`consumer rm`."""

from __future__ import annotations

from dataclasses import dataclass

from pynats_cli.commands.consumer.choosing import chosen, label
from pynats_cli.commands.consumer.options import OneConsumer
from pynats_cli.connect.session import Session
from pynats_cli.errors import CliError
from pynats_cli.flags import Force
from pynats_cli.jetstream.consumers.requests import delete
from pynats_cli.screen.ask import sure


@dataclass(kw_only=True)
class RmOptions(OneConsumer, Force):
    """Which consumer, and whether to ask."""


async def rm(session: Session, options: RmOptions) -> None:
    """Remove a consumer and where it stands."""
    if options.force:
        if not options.stream or not options.consumer:
            raise CliError("--force requires a stream and consumer name")
        await delete(session, options.stream, options.consumer)
        return
    stream, consumer, _ = await chosen(session, options)
    if sure(False, f"Really delete Consumer {label(stream, consumer)}", "not removed"):
        await delete(session, stream, consumer)
