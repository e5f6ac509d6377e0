"""`stream copy`: a new stream that is configured like another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from pynats_common.commandline.declare import arg

from pynats_cli.commands.stream.options import StreamGroup
from pynats_cli.errors import CliError
from pynats_cli.flags import Shown
from pynats_cli.jetstream.streams.create import create_stream
from pynats_cli.jetstream.streams.fields import shown_info, without_server_metadata
from pynats_cli.jetstream.streams.flags import NewFlags, apply
from pynats_cli.jetstream.streams.origins import origin_of
from pynats_cli.jetstream.streams.screen import info_screen
from pynats_cli.pickers import pick_stream, valid_stream_name
from pynats_cli.screen.output import show

if TYPE_CHECKING:
    from pynats_cli.connect.session import Session


@dataclass(kw_only=True)
class CopyOptions(NewFlags, StreamGroup, Shown):
    origin: Annotated[str, arg("Stream to copy", placeholder="source")]
    destination: Annotated[str, arg("Stream to create")]


async def copy(session: Session, options: CopyOptions) -> None:
    """Copies a configuration, not messages."""
    if options.origin == options.destination:
        raise CliError("source and destination Stream names cannot be the same")
    name = await pick_stream(session, options.origin, options.all)
    config = without_server_metadata((await session.js.stream_info(name))["config"])
    config["name"] = valid_stream_name(options.destination)
    config.pop("sealed", None)
    if options.mirror:
        config["mirror"] = origin_of(options.mirror, "--mirror")
        config.pop("subjects", None)
    if options.source:
        config["sources"] = [origin_of(text, "--source") for text in options.source]
    apply(config, options)
    info = await create_stream(session, config)
    show(
        options,
        shown_info(info),
        lambda: f"Stream {config['name']} was created\n\n" + info_screen(info).render(),
    )
