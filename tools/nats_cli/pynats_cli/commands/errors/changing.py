"""`pynats errors edit|validate`: files of errors, as developers of servers keep them."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Annotated

from pynats_common.commandline.declare import arg
from pynats_common.commandline.kinds import EXISTING_FILE
from pynats_common.go.quoting import quote

from pynats_cli.commands.errors.looking import CODE, ErrorsOptions
from pynats_cli.errors import CliError
from pynats_cli.global_options import GlobalOptions
from pynats_cli.reference.errorcodes.records import (
    ErrorRecord,
    faults_of,
    next_code,
    read_file,
    record,
    write_file,
)
from pynats_cli.screen.editor import edited
from pynats_cli.screen.output import line, note


@dataclass(kw_only=True)
class EditOptions(ErrorsOptions):
    file: Annotated[str, arg("The errors.json to change", kind=EXISTING_FILE)]
    code: Annotated[int | None, arg("Code to edit; the next free one if absent", kind=CODE)] = None


def edit(global_options: GlobalOptions, options: EditOptions) -> None:
    """Edit an error of an errors.json in $EDITOR, or add one. The file is written only when all of
    it is valid afterwards."""
    records = read_file(options.file)
    number = next_code(records) if options.code is None else options.code
    place = next((i for i, item in enumerate(records) if item.error_code == number), len(records))
    before = records[place] if place < len(records) else ErrorRecord(error_code=number)

    def changed(text: str) -> list[ErrorRecord]:
        try:
            content = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise CliError(f"the edited error is not valid JSON: {error}") from None
        new = [*records[:place], record(content, "the edited error"), *records[place + 1 :]]
        _check(new, options.file)
        return new

    text = json.dumps(asdict(before), indent=2, ensure_ascii=False) + "\n"
    with edited(text, ".json", changed) as new:
        write_file(options.file, new)
    line(f"Validated {len(new)} errors")


@dataclass(kw_only=True)
class ValidateOptions(ErrorsOptions):
    file: Annotated[str, arg("The errors.json to check", kind=EXISTING_FILE)] = ""


def validate(global_options: GlobalOptions, options: ValidateOptions) -> None:
    records = read_file(options.file) if options.file else options.records()
    _check(records, options.file or options.errors or "the list of errors")
    line(f"Validated {len(records)} errors")


def _check(records: list[ErrorRecord], name: str) -> None:
    if faults := faults_of(records):
        for fault in faults:
            note(fault)
        raise CliError(f"{quote(name)} is invalid")
