"""`stream add`: a new stream, from flags, answers or a file."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pynats_common.commandline.declare import arg, opt
from pynats_common.commandline.kinds import EXISTING_FILE
from pynats_common.go.errno import error_text

from pynats_cli.commands.stream.options import StreamGroup
from pynats_cli.errors import CliError
from pynats_cli.flags import Shown
from pynats_cli.jetstream.streams.check import check, read_config, with_defaults
from pynats_cli.jetstream.streams.create import bytes_demanded, create_stream
from pynats_cli.jetstream.streams.fields import shown_config, shown_info
from pynats_cli.jetstream.streams.flags import NewFlags, apply
from pynats_cli.jetstream.streams.interview import fill
from pynats_cli.jetstream.streams.origins import ask_mirror, ask_source, origin_of
from pynats_cli.jetstream.streams.screen import info_screen
from pynats_cli.pickers import valid_stream_name
from pynats_cli.screen import ask
from pynats_cli.screen.output import line, note, show

if TYPE_CHECKING:
    from pynats_cli.connect.session import Session

_SCHEMA = "io.nats.jetstream.api.v1.stream_configuration"


@dataclass(kw_only=True)
class AddOptions(NewFlags, StreamGroup):
    stream: Annotated[str, arg("Name of the new stream")] = ""
    config: Annotated[
        str, opt("--config", help="Start from this JSON file", kind=EXISTING_FILE)
    ] = ""
    defaults: Annotated[bool, opt("--defaults", help="Ask nothing")] = False
    validate: Annotated[
        bool, opt("--validate", help="Only check and show the configuration", panel="Output")
    ] = False
    file: Annotated[
        str,
        opt("--output", help="Write the configuration to a file, create nothing",
            placeholder="FILE", panel="Output"),
    ] = ""  # fmt: skip
    json: Annotated[bool, opt("--json", "-j", help="Print JSON", panel="Output")] = False


async def add(session: Session, options: AddOptions) -> None:
    """Creates a stream and shows it."""
    config = await wanted_config(session, options)
    if options.validate:
        _show_valid(config, options)
    elif options.file:
        _save(options.file, config)
    else:
        info = await create_stream(session, config)
        show(
            Shown(json=options.json),
            shown_info(info),
            lambda: f"Stream {config['name']} was created\n\n" + info_screen(info).render(),
        )


async def wanted_config(session: Session, options: AddOptions) -> dict[str, Any]:
    """The configuration that was asked for, complete. Raises CliError."""
    if options.config:
        config = _from_file(options)
    else:
        account = await session.js.account_info()
        name = fill(options, options.stream, bytes_demanded(account), options.defaults)
        config = {"name": name, "allow_direct": True}
    _set_origins(config, options)
    apply(config, options)
    check(config)
    valid_stream_name(config["name"])
    return shown_config(with_defaults(config))


def _from_file(options: AddOptions) -> dict[str, Any]:
    config, unknown = read_config(options.config)
    for name in unknown:
        note(f"{options.config}: {name} is not a field of stream configurations and was ignored")
    if options.stream:
        config["name"] = options.stream
    if not config.get("name"):
        raise CliError(f"{options.config}: the name is missing")
    return config


def _set_origins(config: dict[str, Any], options: AddOptions) -> None:
    ask_more = not options.config and not options.defaults and ask.has_terminal()
    if options.mirror:
        config["mirror"] = origin_of(options.mirror, "--mirror")
        if ask_more and len(config["mirror"]) == 1:
            ask_mirror(config["mirror"])
    if options.source:
        config["sources"] = [origin_of(text, "--source") for text in options.source]
        for origin in config["sources"]:
            if ask_more and len(origin) == 1:
                ask_source(origin)


def _show_valid(config: dict[str, Any], options: AddOptions) -> None:
    line(json.dumps(config, indent=2))
    if not options.json:
        line(f"\nConfiguration is a valid Stream matching {_SCHEMA}")


def _save(path: str, config: dict[str, Any]) -> None:
    try:
        Path(path).write_text(json.dumps(config, indent=2), encoding="utf-8")
    except OSError as error:
        raise CliError(f"{path}: {error_text(error)}") from None
