"""Which messages are wanted: conditions on headers, body and fields."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from pynats_common.go.times import format_time_ns

from pynats_cli.errors import CliError, UsageError
from pynats_cli.expressions import ExpressionError, Instant
from pynats_cli.expressions.values import kind
from pynats_cli.jetstream.query.closures import Get, compiled
from pynats_cli.jetstream.query.records import Record

Test = Callable[[Record], bool]


@dataclass
class Conditions:
    """All that must hold. `failed` counts messages on which an expression has no value: a field
    that is not there, a text compared with a number."""

    tests: list[Test] = field(default_factory=list)
    failed: int = 0
    failure: str = ""

    def hold(self, record: Record) -> bool:
        return all(test(record) for test in self.tests)

    def where(self, text: str) -> None:
        """An expression over `closures.NAMES`. Raises CliError."""
        get = compiled(text)

        def test(record: Record) -> bool:
            try:
                found = get(record)
                if isinstance(found, bool):
                    return found
                failure = f"--where must be true or false, it is {kind(found)}"
            except ExpressionError as error:
                failure = str(error)
            self.failed += 1
            self.failure = self.failure or f"{failure}, sequence {record.sequence}"
            return False

        self.tests.append(test)

    def header(self, text: str) -> None:
        """`K` (is there), `K=V`, `K!=V` or `K~REGEX`. Raises CliError."""
        found = re.fullmatch(r"([^=~!]+)(?:(=|!=|~)(.*))?", text, re.DOTALL)
        if found is None:
            raise UsageError(f'--header: expected K, K=V, K!=V or K~REGEX, got "{text}"')
        name, sign, wanted = found[1].strip().lower(), found[2], found[3]
        pattern = _pattern("--header", wanted) if sign == "~" else None

        def values(record: Record) -> Iterator[str]:
            return (value for key, value in record.headers if key.lower() == name)

        if sign is None:
            self.tests.append(lambda record: any(True for _ in values(record)))
        elif sign == "=":
            self.tests.append(lambda record: wanted in values(record))
        elif sign == "!=":
            self.tests.append(lambda record: wanted not in values(record))
        else:
            assert pattern is not None
            self.tests.append(lambda record: any(pattern.search(value) for value in values(record)))

    def match(self, text: str) -> None:
        """A pattern somewhere in the body. Raises CliError."""
        pattern = _pattern("--match", text)
        search = re.compile(pattern.pattern.encode(), pattern.flags & ~re.UNICODE).search
        self.tests.append(lambda record: search(record.body) is not None)


def _pattern(flag: str, text: str) -> re.Pattern[str]:
    try:
        return re.compile(text)
    except re.error as error:
        raise UsageError(f'{flag}: invalid regular expression "{text}": {error}') from None


class Projection:
    """`--select`: expressions whose values are shown instead of the message."""

    def __init__(self, texts: list[str]) -> None:
        self.names = [name for text in texts for name in _split(text)]
        if not self.names:
            raise UsageError("--select: nothing is selected")
        self._parts = [compiled(name) for name in self.names]

    def values(self, record: Record) -> list[Any]:
        """A value for each; None where there is none."""
        return [_value(part, record) for part in self._parts]


def _value(part: Get, record: Record) -> Any:
    try:
        found = part(record)
    except ExpressionError:
        return None
    if isinstance(found, Instant):
        return format_time_ns(found)
    return found


def _split(text: str) -> list[str]:
    """At commas that are in no brackets and no texts."""
    parts, depth, quote, start = [], 0, "", 0
    for index, char in enumerate(text):
        if quote:
            quote = "" if char == quote else quote
        elif char in "\"'`":
            quote = char
        elif char in "([{":
            depth += 1
        elif char in ")]}":
            depth -= 1
        elif char == "," and not depth:
            parts.append(text[start:index])
            start = index + 1
    parts.append(text[start:])
    found = [part.strip() for part in parts]
    if not all(found):
        raise CliError(f'--select: an empty part in "{text}"')
    return found
