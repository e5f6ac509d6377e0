"""`consumer edit`: changes of a consumer, shown before they are made."""

from __future__ import annotations

import json
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Annotated

from pynats_common.commandline.declare import arg, opt
from pynats_common.commandline.kinds import EXISTING_FILE

from pynats_cli.commands.consumer.choosing import chosen, label
from pynats_cli.commands.consumer.options import OneConsumer
from pynats_cli.connect.session import Session
from pynats_cli.errors import CliError
from pynats_cli.flags import Force, Shown
from pynats_cli.jetstream.consumers.config_file import (
    parse_config,
    read_config,
    without_server_metadata,
)
from pynats_cli.jetstream.consumers.configure import Config, apply_changes, set_name
from pynats_cli.jetstream.consumers.differences import differences
from pynats_cli.jetstream.consumers.flags import EditFlags
from pynats_cli.jetstream.consumers.requests import update
from pynats_cli.jetstream.consumers.screen import info_screen
from pynats_cli.screen.ask import sure
from pynats_cli.screen.editor import edited
from pynats_cli.screen.output import line, note, show


@dataclass(kw_only=True)
class EditOptions(OneConsumer, EditFlags, Force):
    """Which consumer, and what to change."""

    stream: Annotated[str, arg("The consumer's stream")] = ""
    consumer: Annotated[str, arg("The consumer")] = ""
    config: Annotated[
        str, opt("--config", help="Read the configuration from a JSON file", kind=EXISTING_FILE)
    ] = ""
    interactive: Annotated[
        bool, opt("--interactive/--no-interactive", "-i", help="Edit in $EDITOR")
    ] = False
    dry_run: Annotated[bool, opt("--dry-run", help="Only show what would change")] = False
    json: Annotated[bool, opt("--json", "-j", help="Print JSON")] = False


async def edit(session: Session, options: EditOptions) -> int:
    """Change a consumer. With --dry-run the exit code is 1 when something would change."""
    with ExitStack() as editing:
        return await _edit(session, options, editing)


async def _edit(session: Session, options: EditOptions, editing: ExitStack) -> int:
    stream, consumer, found = await chosen(session, options, select=not options.force)
    config = found["config"]
    if not config.get("durable_name"):
        raise CliError("only durable consumers can be edited")
    new = _new_config(config, consumer, options, editing)
    lines = differences(config, new)
    if not lines:
        if not options.dry_run:
            _say(options, "No difference in configuration")
        return 0
    _say(options, "\n".join(["Differences (-old +new):", *lines]))
    if options.dry_run:
        return 1
    question = f"Really edit Consumer {label(stream, consumer)}"
    if not sure(options.force, question, "not changed"):
        return 0
    changed = await update(session, stream, new)
    show(Shown(json=options.json), changed, lambda: f"\n{info_screen(changed).render()}")
    return 0


def _say(options: EditOptions, text: str) -> None:
    """With --json standard output is for the one document."""
    (note if options.json else line)(text)


def _new_config(config: Config, consumer: str, options: EditOptions, editing: ExitStack) -> Config:
    if options.config:
        new, unknown = read_config(options.config)
        for name in unknown:
            note(f"{options.config}: unknown field {name} is ignored")
        # What a consumer is called and what the server chose itself are no differences.
        new = _DEFAULTS | _kept(config) | new
    elif options.interactive:
        text = json.dumps(without_server_metadata(config), indent=2)
        new = editing.enter_context(edited(text, ".json", _parsed))
    else:
        new = without_server_metadata(config)
    set_name(new, consumer, ephemeral=False)
    apply_changes(new, options)
    return new


_DEFAULTS: Config = {"deliver_policy": "all", "ack_policy": "none", "replay_policy": "instant"}


def _kept(config: Config) -> Config:
    """What an absent field of a file means: the default that the server has chosen."""
    return {
        name: config[name]
        for name in ("ack_wait", "max_ack_pending", "max_waiting", "max_deliver", "num_replicas")
        if name in config
    }


def _parsed(text: str) -> Config:
    try:
        new, unknown = parse_config(text)
    except ValueError as error:
        raise CliError(f"the edited configuration: {error}") from None
    if unknown:
        raise CliError(f"the edited configuration: unknown field {unknown[0]}")
    return new
