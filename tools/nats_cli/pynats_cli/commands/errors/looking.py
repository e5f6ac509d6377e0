"""`pynats errors ls|lookup`: error codes and what they mean."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Annotated

from pynats_common.commandline.declare import arg, opt
from pynats_common.commandline.kinds import EXISTING_FILE, UNSIGNED, Choice, Kind, in_range

from pynats_cli.errors import CliError
from pynats_cli.flags import Shown
from pynats_cli.global_options import GlobalOptions
from pynats_cli.reference.errorcodes.records import ErrorRecord, known, matching, read_file
from pynats_cli.screen.columns import Columns
from pynats_cli.screen.output import show
from pynats_cli.screen.tables import Table

CODE = in_range(UNSIGNED, 0, 65_535)
_ORDER = Choice("code", "http", "description", descr="description", d="description",
                desc="description")  # fmt: skip


def _pattern(text: str) -> re.Pattern[str]:
    try:
        return re.compile(text, re.IGNORECASE)
    except re.error as error:
        raise ValueError(f"invalid regular expression: {error}") from None


@dataclass(kw_only=True)
class ErrorsOptions:
    """Flags of all commands of `errors`."""

    errors: Annotated[
        str, opt("--errors", help="Use the errors in this errors.json", kind=EXISTING_FILE)
    ] = ""

    def records(self) -> list[ErrorRecord]:
        return read_file(self.errors) if self.errors else known()


@dataclass(kw_only=True)
class ListOptions(ErrorsOptions, Shown):
    match: Annotated[
        re.Pattern[str], arg("Show those that match this regular expression",
                             kind=Kind("REGEX", _pattern))
    ] = field(default_factory=lambda: re.compile(""))  # fmt: skip
    sort: Annotated[str, arg("Order: code, http, description", kind=_ORDER)] = "code"
    reverse: Annotated[bool, opt("--reverse/--no-reverse", "-R", help="The other way round")] = (
        False
    )


def list_errors(global_options: GlobalOptions, options: ListOptions) -> None:
    found = matching(options.records(), options.match, options.sort, options.reverse)
    if not found:
        raise CliError(f"no errors found matching regular expression {options.match.pattern}")
    show(options, [asdict(item) for item in found], lambda: list_screen(found))


def list_screen(records: Sequence[ErrorRecord]) -> str:
    """A row for each error."""
    headers = ["NATS Code", "HTTP Error Code", "Description", "Comment", "Go Constant"]
    table = Table("NATS Errors", headers)
    for item in records:
        table.add(
            str(item.error_code), str(item.code), item.description, item.comment, item.constant
        )
    return table.render()


@dataclass(kw_only=True)
class LookupOptions(ErrorsOptions, Shown):
    code: Annotated[int, arg("Error code to explain", kind=CODE)]


def lookup(global_options: GlobalOptions, options: LookupOptions) -> None:
    found = next((i for i in options.records() if i.error_code == options.code), None)
    if found is None:
        raise CliError(f"no error matches code {options.code}")
    show(options, asdict(found), lambda: lookup_screen(found))


def lookup_screen(item: ErrorRecord) -> str:
    """One error with everything that is known of it."""
    screen = Columns(f"NATS Error Code: {item.error_code}")
    screen.add("Description", item.description)
    screen.add_if("Comment", item.comment)
    screen.add("HTTP Code", str(item.code))
    screen.add_if("Go Index Constant", item.constant)
    screen.add_if("Deprecates", item.deprecates)
    screen.add_if("URL", item.url)
    return f"{screen.render()}\n\n{item.help or 'No further information available'}"
