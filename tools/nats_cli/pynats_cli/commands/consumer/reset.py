"""`consumer reset`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from pynats_common.commandline.declare import opt
from pynats_common.commandline.kinds import UNSIGNED

from pynats_cli.commands.consumer.choosing import chosen
from pynats_cli.commands.consumer.options import OneConsumer
from pynats_cli.connect.session import Session
from pynats_cli.flags import Force, Shown
from pynats_cli.jetstream.consumers.requests import reset as reset_consumer
from pynats_cli.jetstream.consumers.screen import state_screen
from pynats_cli.screen.ask import sure
from pynats_cli.screen.output import show


@dataclass(kw_only=True)
class ResetOptions(OneConsumer, Force, Shown):
    """Which consumer, and where it starts again."""

    sequence: Annotated[
        int,
        opt("--sequence", help="Stream sequence to start at; else after the last acknowledged",
            kind=UNSIGNED),
    ] = 0  # fmt: skip


async def reset(session: Session, options: ResetOptions) -> None:
    """Deliver messages again, from a sequence or from the last acknowledged one on."""
    stream, consumer, _ = await chosen(session, options)
    if not sure(options.force, "Really reset the consumer", "not reset"):
        return
    found = await reset_consumer(session, stream, consumer, options.sequence)
    show(options, found, lambda: state_screen(found).render())
