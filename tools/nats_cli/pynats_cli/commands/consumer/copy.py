"""`consumer copy`: a new consumer with the configuration of another one."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Annotated

from pynats_common.commandline.declare import arg, opt
from pynats_common.go.quoting import quote

from pynats_cli.commands.consumer.options import GroupOptions
from pynats_cli.connect.session import Session
from pynats_cli.errors import CliError
from pynats_cli.flags import Shown
from pynats_cli.jetstream.api import JsApiError
from pynats_cli.jetstream.consumers.config_file import without_server_metadata
from pynats_cli.jetstream.consumers.configure import apply_flags, set_name
from pynats_cli.jetstream.consumers.flags import CreateFlags
from pynats_cli.jetstream.consumers.requests import check_names, create
from pynats_cli.jetstream.consumers.screen import info_screen
from pynats_cli.screen.output import show


@dataclass(kw_only=True)
class CopyOptions(GroupOptions, CreateFlags):
    """Which consumer, the name of the new one, and what is different."""

    stream: Annotated[str, arg("The stream")]
    source: Annotated[str, arg("The consumer to copy")]
    destination: Annotated[str, arg("The new consumer")]
    json: Annotated[bool, opt("--json", "-j", help="Print JSON")] = False


async def copy(session: Session, options: CopyOptions) -> None:
    """Create a consumer like another one, with the changes that flags say."""
    stream, source, destination = options.stream, options.source, options.destination
    check_names(stream, source)
    if source == destination:
        raise CliError("source and destination must be different consumers")
    try:
        found = await session.js.consumer_info(stream, source)
    except JsApiError as error:
        raise CliError(f"could not load source Consumer: {error}") from None
    if await _exists(session, stream, destination):
        raise CliError(f"consumer {quote(destination)} already exists")
    config = without_server_metadata(found["config"])
    set_name(config, destination, options.ephemeral)
    apply_flags(config, options, time.time_ns())
    created = await create(session, stream, config)
    show(Shown(json=options.json), created, lambda: info_screen(created).render())


async def _exists(session: Session, stream: str, consumer: str) -> bool:
    check_names(stream, consumer)
    return consumer in await session.js.consumer_names(stream)
