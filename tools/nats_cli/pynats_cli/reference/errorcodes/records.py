"""Records of error codes: those that are known here, and those in a file.

Codes, texts and statuses are of `pynats_common.api_errors`, which our server answers with, too; the
names that Go programs know them by and our comments are in `constants.tsv`.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from pynats_common.api_errors import ERRORS
from pynats_common.files import read_whole
from pynats_common.program.xdg import write_private

from pynats_cli.errors import CliError

FIRST_CODE = 10_000


@dataclass
class ErrorRecord:
    """One error, with the fields of an errors.json."""

    constant: str = ""
    code: int = 0
    error_code: int = 0
    description: str = ""
    comment: str = ""
    help: str = ""
    url: str = ""
    deprecates: str = ""

    def faults(self) -> list[str]:
        """What is wrong with it."""
        checks = (
            (self.error_code >= FIRST_CODE, f"error codes may not be below {FIRST_CODE}"),
            (self.code > 0, "code is required"),
            (bool(self.description), "description is required"),
            (bool(self.constant), "constant is required"),
        )
        return [fault for good, fault in checks if not good]


def known() -> list[ErrorRecord]:
    """All errors of the JetStream API, by code."""
    text = (files("pynats_cli.reference.errorcodes") / "constants.tsv").read_text()
    names = {int(code): rest for code, *rest in (line.split("\t") for line in text.splitlines())}
    return [
        ErrorRecord(
            constant=names.get(number, [""])[0],
            code=status,
            error_code=number,
            description=description,
            comment=names.get(number, ["", ""])[1],
        )
        for number, (status, description) in sorted(ERRORS.items())
    ]


def read_file(path: str) -> list[ErrorRecord]:
    """The records of an errors.json. Raises CliError."""
    try:
        content = json.loads(read_whole(path))
    except OSError as error:
        raise CliError(f"{path}: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        raise CliError(f"{path}: {error}") from None
    if not isinstance(content, list):
        raise CliError(f"{path}: expected a list of errors")
    return [record(item, f"{path}: entry {number}") for number, item in enumerate(content, 1)]


def record(content: Any, where: str) -> ErrorRecord:
    """A record of its JSON object. Raises CliError that starts with `where`."""
    if not isinstance(content, dict):
        raise CliError(f"{where}: expected an object")
    values: dict[str, Any] = asdict(ErrorRecord())
    for name, default in values.items():
        value = content.get(name, default)
        if type(value) is not type(default):
            wanted = "a number" if isinstance(default, int) else "a text"
            raise CliError(f"{where}: {name} must be {wanted}")
        values[name] = value
    return ErrorRecord(**values)


def write_file(path: str, records: Iterable[ErrorRecord]) -> None:
    """Replaces an errors.json; its other permissions stay. Raises CliError."""
    text = json.dumps([asdict(item) for item in records], indent=2, ensure_ascii=False)
    try:
        mode = Path(path).stat().st_mode
        write_private(Path(path), text)
        Path(path).chmod(mode)
    except OSError as error:
        raise CliError(f"{path}: {error.strerror}") from None


def faults_of(records: Sequence[ErrorRecord]) -> list[str]:
    """What is wrong with a list of errors, a line for each that is."""
    lines = [
        f"{item.error_code} failed: {', '.join(faults)}"
        for item in records
        if (faults := item.faults())
    ]
    for what, values in (
        ("error code", [str(item.error_code) for item in records]),
        ("constant", [item.constant for item in records if item.constant]),
    ):
        twice = [value for value, times in Counter(values).items() if times > 1]
        lines += [f"{what} {value} is there more than once" for value in twice]
    return lines


_ORDERS: dict[str, Callable[[ErrorRecord], Any]] = {
    "code": lambda item: item.error_code,
    "http": lambda item: (item.code, item.error_code),
    "description": lambda item: (item.description.lower(), item.error_code),
}


def matching(
    records: Sequence[ErrorRecord], pattern: re.Pattern[str], order: str, reverse: bool
) -> list[ErrorRecord]:
    """Those whose code, name or texts match, in an order: code, http or description."""
    found = [
        item
        for item in records
        if any(
            pattern.search(text)
            for text in (
                str(item.error_code), item.constant, item.description, item.comment, item.help
            )
        )
    ]  # fmt: skip
    return sorted(found, key=_ORDERS[order], reverse=reverse)


def next_code(records: Sequence[ErrorRecord]) -> int:
    """The code after the highest one."""
    return max([FIRST_CODE, *(item.error_code for item in records)]) + 1
