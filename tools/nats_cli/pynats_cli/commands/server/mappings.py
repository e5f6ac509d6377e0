"""`pynats server mappings`: what a subject mapping makes of subjects, without a server."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from pynats_common.commandline.declare import arg
from pynats_common.subject_mapping.reading import Mapping, TransformError, read_mapping
from pynats_common.subject_mapping.renaming import renamed

from pynats_cli.errors import CliError
from pynats_cli.global_options import GlobalOptions
from pynats_cli.screen.ask import ask
from pynats_cli.screen.output import line, note

_NO_MATCH = "no matching transforms available"


@dataclass(kw_only=True)
class MappingsOptions:
    """Arguments of `server mappings`."""

    source: Annotated[str, arg("Pattern of subjects that are mapped")] = ""
    dest: Annotated[str, arg("What they become")] = ""
    subject: Annotated[str, arg("Subject to map; asks for subjects without one")] = ""


def mappings(options: GlobalOptions, chosen: MappingsOptions) -> None:
    """Try a subject mapping."""
    source = chosen.source or ask("Source subject pattern", missing="source")
    dest = chosen.dest or ask("Destination subject pattern", missing="dest")
    try:
        mapping = read_mapping(source, dest)
    except TransformError as error:
        raise CliError(str(error)) from None
    if chosen.subject:
        line(_mapped(mapping, chosen.subject))
        return
    note("Enter subjects to test, an empty subject ends. No server is changed.\n")
    while subject := ask("Subject", missing="subject"):
        try:
            line(f"{_mapped(mapping, subject)}\n")
        except CliError as error:
            note(f"Error: {error}\n")


def _mapped(mapping: Mapping, subject: str) -> str:
    found = renamed(mapping, subject)
    if found is None:
        raise CliError(_NO_MATCH)
    return found
