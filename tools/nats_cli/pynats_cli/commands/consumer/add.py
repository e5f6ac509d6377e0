"""`consumer add`: from flags, from a file, or by questions."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Annotated

from pynats_common.commandline.declare import arg, opt
from pynats_common.commandline.kinds import EXISTING_FILE

from pynats_cli.commands.consumer.options import GroupOptions
from pynats_cli.connect.session import Session
from pynats_cli.errors import CliError
from pynats_cli.flags import Shown
from pynats_cli.jetstream.consumers.config_file import config_text, read_config, write_config
from pynats_cli.jetstream.consumers.configure import Config, apply_flags, new_config, set_name
from pynats_cli.jetstream.consumers.flags import CreateFlags
from pynats_cli.jetstream.consumers.questions import ask_name, complete
from pynats_cli.jetstream.consumers.requests import create
from pynats_cli.jetstream.consumers.screen import info_screen
from pynats_cli.pickers import pick_stream
from pynats_cli.screen.output import line, note, show
from pynats_cli.template.messages import unique_id


@dataclass(kw_only=True)
class AddOptions(GroupOptions, CreateFlags):
    """The consumer, and where its configuration comes from and goes."""

    stream: Annotated[str, arg("The consumer's stream")] = ""
    consumer: Annotated[str, arg("The consumer's name")] = ""
    config: Annotated[
        str, opt("--config", help="Read the configuration from a JSON file", kind=EXISTING_FILE)
    ] = ""
    validate: Annotated[bool, opt("--validate", help="Only check the configuration")] = False
    file: Annotated[
        str,
        opt("--output", help="Save the configuration instead of creating", placeholder="FILE"),
    ] = ""
    json: Annotated[bool, opt("--json", "-j", help="Print JSON")] = False
    defaults: Annotated[bool, opt("--defaults", help="Ask nothing, take the defaults")] = False


async def add(session: Session, options: AddOptions) -> None:
    """Create a consumer; asks for what no flag says."""
    stream = await pick_stream(session, options.stream, everything=options.all)
    config = _from_file(options) if options.config else _from_flags(options)
    if options.validate:
        line(config_text(config))
        note("Configuration is a valid Consumer")
    elif options.file:
        write_config(config, options.file)
    else:
        config.setdefault("name", unique_id())
        found = await create(session, stream, config)
        show(Shown(json=options.json), found, lambda: info_screen(found).render())


def _from_file(options: AddOptions) -> Config:
    """The configuration of a file, with the name and the flags that were given."""
    config, unknown = read_config(options.config)
    for name in unknown:
        note(f"{options.config}: unknown field {name} is ignored")
    name = options.consumer or config.get("durable_name") or config.get("name") or ""
    durable = bool(config.get("durable_name")) or (bool(options.consumer) and "name" not in config)
    config.setdefault("ack_policy", "none")
    config.setdefault("num_replicas", 0)
    set_name(config, name, ephemeral=options.ephemeral or not durable)
    apply_flags(config, options, time.time_ns())
    return config


def _from_flags(options: AddOptions) -> Config:
    name = options.consumer
    if not name and not options.ephemeral:
        if options.defaults:
            raise CliError(
                "could not request durable name: the consumer's name or --ephemeral is missing"
            )
        name = ask_name()
    if not options.defaults:
        complete(options)
    return new_config(name, options, time.time_ns())
