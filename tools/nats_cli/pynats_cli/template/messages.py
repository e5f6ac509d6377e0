"""Template functions for message bodies, subjects, headers and reply commands."""

from __future__ import annotations

import random
import string
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from pynats_common.go.durations import SECOND_NS
from pynats_common.go.times import format_time_in

from pynats_cli.errors import CliError
from pynats_cli.template.errors import TemplateError
from pynats_cli.template.language import render
from pynats_cli.template.values import Int64, format_operand
from pynats_cli.template.words import command_words

_LETTERS = (string.ascii_letters + string.digits).encode()
_LETTER_OF_BYTE = bytes(_LETTERS[byte % len(_LETTERS)] for byte in range(256))
_NUID_DIGITS = string.digits + string.ascii_uppercase + string.ascii_lowercase
RANDOM_LENGTH_MAX = 64 * 1024 * 1024
"""Longest `{{Random}}`, in characters: the largest payload any server accepts."""


def random_text(shortest: float, longest: float) -> str:
    """Letters and digits; the length is random between the two bounds (in any order)."""
    for bound in (shortest, longest):
        whole = type(bound) is int or (isinstance(bound, float) and bound.is_integer())
        if not whole:
            raise TemplateError(f"Random: expected integer; found {format_operand(bound)}")
    low, high = sorted((int(shortest), int(longest)))
    if low < 0 or high > RANDOM_LENGTH_MAX:
        raise TemplateError(f"Random: length out of range: {shortest}, {longest}")
    return random.randbytes(random.randint(low, high)).translate(_LETTER_OF_BYTE).decode()


def unique_id() -> str:
    """A 22 character identifier of digits and letters."""
    system = random.SystemRandom()
    return "".join(system.choices(_NUID_DIGITS, k=22))


def kitchen_time(seconds: float) -> str:
    """Local time of day as `3:04PM`."""
    return time.strftime("%I:%M%p", time.localtime(seconds)).removeprefix("0")


@dataclass
class _Fields:
    Cnt: int
    Count: int
    Unix: int
    UnixNano: int
    TimeStamp: str
    Time: str
    Request: str

    def ID(self) -> str:
        return unique_id()


def has_template(text: str) -> bool:
    """True when the text can be different for each message."""
    return "{{" in text


def expand(text: str, count: int, request: str | None = None) -> str:
    """The text with its template applied for message number `count` (from 1).

    `request` is the body being answered, for replies. Raises `TemplateError`.
    """
    if not has_template(text):
        return text
    return render(text, *_names(count, request))


def expand_command(command: str, count: int, request: str, tokens: Sequence[str]) -> list[str]:
    """The words of a command that answers a request; `tokens` are those of its subject. Raises
    TemplateError, ValueError."""
    return command_words(command, *_names(count, request), tokens)


def _names(count: int, request: str | None) -> tuple[dict[str, Callable[..., Any]], _Fields]:
    """The functions and the fields for one message."""
    now = time.time_ns()
    seconds = now / SECOND_NS
    fields = _Fields(
        Cnt=count,
        Count=count,
        Unix=Int64(now // SECOND_NS),
        UnixNano=Int64(now),
        TimeStamp=format_time_in(now, None),
        Time=kitchen_time(seconds),
        Request=request or "",
    )
    functions: dict[str, Callable[..., Any]] = {
        "Random": random_text,
        "ID": unique_id,
        "Count": lambda: count,
        "Cnt": lambda: count,
        "Unix": lambda: fields.Unix,
        "UnixNano": lambda: fields.UnixNano,
        "TimeStamp": lambda: fields.TimeStamp,
        "Time": lambda: fields.Time,
    }
    if request is not None:
        functions["Request"] = lambda: request
    return functions, fields


_ONE_LINE = str.maketrans("\r\n", "  ")


def parse_headers(values: Sequence[str], count: int) -> list[tuple[str, str]]:
    """Headers of `Name: value` texts, with templates in the values applied. Raises CliError.

    A header is one line: ends of lines in a value become blanks."""
    headers = []
    for text in values:
        name, colon, value = text.partition(":")
        name = name.strip()
        if not colon or not name or "\r" in name or "\n" in name:
            raise CliError(f'invalid header "{text}"')
        try:
            headers.append((name, expand(value.strip(), count).translate(_ONE_LINE)))
        except TemplateError as error:
            raise CliError(f"failed to parse Header template for {name}: {error}") from None
    return headers
