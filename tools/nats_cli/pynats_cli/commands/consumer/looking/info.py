"""`consumer info` and `consumer state`."""

from __future__ import annotations

from dataclasses import dataclass

from pynats_cli.commands.consumer.choosing import chosen
from pynats_cli.commands.consumer.options import NoSelect, OneConsumer
from pynats_cli.connect.session import Session
from pynats_cli.flags import Shown
from pynats_cli.jetstream.consumers.screen import info_screen, state_screen
from pynats_cli.screen.output import show


@dataclass(kw_only=True)
class InfoOptions(OneConsumer, NoSelect, Shown):
    """Which consumer."""


async def info(session: Session, options: InfoOptions) -> None:
    """Show everything about a consumer: its configuration and where it stands."""
    _, _, found = await chosen(session, options, select=not options.no_select)
    show(options, found, lambda: info_screen(found).render())


async def state(session: Session, options: InfoOptions) -> None:
    """Show where a consumer stands."""
    _, _, found = await chosen(session, options, select=not options.no_select)
    show(options, found, lambda: state_screen(found).render())
