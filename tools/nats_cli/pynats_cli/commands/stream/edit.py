"""`stream edit`: changing a stream, after a look at the differences."""

from __future__ import annotations

import json
import sys
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

from pynats_common.commandline.declare import arg, opt
from pynats_common.commandline.kinds import EXISTING_FILE

from pynats_cli.commands.stream.options import StreamGroup
from pynats_cli.errors import CliError
from pynats_cli.flags import Force, Shown
from pynats_cli.jetstream.streams.check import (
    as_stored,
    check,
    check_types,
    read_config,
    with_defaults,
)
from pynats_cli.jetstream.streams.create import update_stream
from pynats_cli.jetstream.streams.differences import Difference, differences, shown_lines
from pynats_cli.jetstream.streams.fields import (
    own_metadata,
    shown_config,
    shown_info,
    without_server_metadata,
)
from pynats_cli.jetstream.streams.flags import ConfigFlags, apply
from pynats_cli.jetstream.streams.screen import info_screen
from pynats_cli.pickers import pick_stream
from pynats_cli.screen import ask
from pynats_cli.screen.editor import edited
from pynats_cli.screen.output import line, note, screen, show

if TYPE_CHECKING:
    from pynats_cli.connect.session import Session


@dataclass(kw_only=True)
class EditOptions(ConfigFlags, StreamGroup, Force, Shown):
    stream: Annotated[str, arg("Stream to change")] = ""
    config: Annotated[
        str, opt("--config", help="Take the configuration of this JSON file", kind=EXISTING_FILE)
    ] = ""
    interactive: Annotated[
        bool | None, opt("--interactive/--no-interactive", "-i", help="Edit it in $EDITOR")
    ] = None
    dry_run: Annotated[bool, opt("--dry-run", help="Only show the differences")] = False
    no_mirror: Annotated[bool, opt("--no-mirror", help="Be no mirror any more")] = False
    no_transform: Annotated[bool, opt("--no-transform", help="Rename no subjects")] = False
    no_republish: Annotated[bool, opt("--no-republish", help="Republish nothing")] = False


async def edit(session: Session, options: EditOptions) -> int | None:
    """Changes a stream. With `--dry-run` the exit code is 1 when there are differences."""
    with ExitStack() as editing:
        return await _edit(session, options, editing)


async def _edit(session: Session, options: EditOptions, editing: ExitStack) -> int | None:
    name = await pick_stream(session, options.stream, options.all)
    old = await session.js.stream_info(name)
    new = _edited(without_server_metadata(old["config"]), options, editing)
    found = differences(old["config"], as_stored(new))
    if not found:
        show(options, _unchanged(old, options), lambda: "No difference in configuration")
        return 0
    _show_differences(found, options)
    if options.dry_run:
        return 1
    if not options.force:
        _warn_of_bucket(name)
    if not ask.sure(options.force, f"Really edit Stream {name}", "not changed"):
        return 0
    info = await update_stream(session, new)
    show(
        options,
        shown_info(info),
        lambda: f"Stream {name} was updated\n\n" + info_screen(info).render(),
    )
    return None


def _warn_of_bucket(name: str) -> None:
    if not name.startswith("KV_") or not ask.has_terminal():
        return
    note("WARNING: This is the store of a Key-Value bucket, which depends on its configuration.\n")
    if not ask.confirm("Really operate on the KV stream?"):
        raise CliError("aborting Key-Value store operation")


def _unchanged(old: dict[str, Any], options: EditOptions) -> Any:
    return [] if options.dry_run else shown_info(old)


def _show_differences(found: list[Difference], options: EditOptions) -> None:
    if options.form == "table":
        line("Differences (-old +new):")
        for text in shown_lines(found, sys.stdout):
            screen(text)
        line()
    elif options.dry_run:
        show(options, [{"field": d.name, "old": d.old, "new": d.new} for d in found], str)
    else:
        # Standard output is for one document.
        note("Differences (-old +new):")
        for text in shown_lines(found, sys.stderr):
            print(text, file=sys.stderr)


def _edited(config: dict[str, Any], options: EditOptions, editing: ExitStack) -> dict[str, Any]:
    if options.mirror or options.source:
        raise CliError("cannot edit mirrors, or sources using the CLI, use --config instead")
    if options.interactive:
        text = json.dumps(shown_config(config), indent=2) + "\n"
        return editing.enter_context(edited(text, ".json", partial(_parsed, config)))
    if options.config:
        new, unknown = read_config(options.config)
        for field in unknown:
            note(f"{options.config}: {field} is not a field of stream configurations, ignored")
        new = {**with_defaults(new), "name": config["name"]}
    else:
        new = dict(config)
    for unwanted, field in (
        (options.no_mirror, "mirror"),
        (options.no_transform, "subject_transform"),
        (options.no_republish, "republish"),
    ):
        if unwanted:
            new.pop(field, None)
    apply(new, options)
    if config.get("mirror") and not new.get("mirror"):
        # Servers refuse it without a mirror.
        new["mirror_direct"] = False
    check(new)
    return new


def _parsed(config: dict[str, Any], text: str) -> dict[str, Any]:
    """The configuration in an editor's text, in place of the one before."""
    try:
        new: Any = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise CliError(f"not valid JSON: {error}") from None
    if not isinstance(new, dict):
        raise CliError("a stream configuration must be a JSON object")
    if new.get("name") != config["name"]:
        raise CliError("the name of a stream cannot be changed")
    check_types(new, "configuration")
    if own_metadata(new) != new.get("metadata", {}):
        new = without_server_metadata(new)
    check(new)
    return dict(new)
