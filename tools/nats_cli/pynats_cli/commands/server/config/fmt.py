"""`pynats server config fmt`: lays out configuration files."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import Annotated

from pynats_common.commandline.declare import arg, opt
from pynats_common.config import ConfigError

from pynats_cli.errors import CliError, UsageError
from pynats_cli.global_options import GlobalOptions
from pynats_cli.screen.output import line, note, write
from pynats_cli.servers.configfile.files import read_text, write_text
from pynats_cli.servers.configfile.formatting import formatted


@dataclass(kw_only=True)
class FmtOptions:
    """Which files, and what is done with them."""

    files: Annotated[list[str], arg("Files in the NATS format; - is standard input")]
    write: Annotated[bool, opt("--write", "-w", help="Change the files in place")] = False
    check: Annotated[
        bool, opt("--check", help="Only say which files would change; exit code 1 if any would")
    ] = False
    diff: Annotated[bool, opt("--diff", "-d", help="Show what would change")] = False


def fmt(options: GlobalOptions, chosen: FmtOptions) -> int | None:
    """Lay out configuration files: one entry a line, two blanks for each level.

    Comments stay where they are, and the file means the same to a server, which is checked. JSON
    stays JSON. Without a flag the result is printed.
    """
    if chosen.write and (chosen.check or chosen.diff):
        raise UsageError("--write does not go with --check or --diff")
    if not chosen.files:
        raise UsageError("a file is missing")
    changed = 0
    for file in chosen.files:
        text = read_text(file)
        try:
            made = formatted(text, file)
        except ConfigError as error:
            raise CliError(str(error)) from None
        changed += made != text
        _finish(chosen, file, text, made)
    return 1 if changed and (chosen.check or chosen.diff) else None


def _finish(chosen: FmtOptions, file: str, text: str, made: str) -> None:
    if chosen.diff:
        lines = difflib.unified_diff(
            text.splitlines(keepends=True), made.splitlines(keepends=True), file, file
        )
        write("".join(lines))
    elif chosen.check:
        if made != text:
            line(file)
    elif chosen.write and file != "-":
        if made != text:
            write_text(file, made)
            note(f"{file} was laid out")
    else:
        write(made)
