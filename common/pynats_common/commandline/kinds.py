"""Kinds of values on a command line: how each is read, and what help calls it.

A kind turns one text into a value and raises ValueError with the reason for a bad one. Formats are
those of the NATS tools: `docs/reference/cli.md` names them for users.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from pynats_common.go.quoting import quote_excerpt

U64_MAX = 2**64 - 1
_EXPONENT = re.compile(r"[+-]?[0-9]{1,20}[eE]\+?[0-9]{1,2}")
"""`1e6`: the tools of NATS read whole numbers as they read fractions."""


@dataclass(frozen=True)
class Kind:
    """`placeholder` stands for the value in help; `parse` raises ValueError; `spell` gives a text
    that `parse` reads as the value."""

    placeholder: str
    parse: Callable[[str], Any]
    choices: tuple[str, ...] = field(default=(), kw_only=True)
    spell: Callable[[Any], str] = field(default=str, kw_only=True)


def _integer(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        if _EXPONENT.fullmatch(text):
            digits, _, zeros = text.lower().partition("e")
            return int(digits + "0" * int(zeros))
        raise ValueError(f"must be a number, got {quote_excerpt(text)}") from None


def _unsigned(text: str) -> int:
    number = _integer(text)
    if not 0 <= number <= U64_MAX:
        raise ValueError(f"must be a number of 0 or more, got {quote_excerpt(text)}")
    return number


def _float(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ValueError(f"must be a number, got {quote_excerpt(text)}") from None


def _duration(text: str) -> int:
    from pynats_common.go.durations import parse_long_duration_ns

    return parse_long_duration_ns(text)


def _duration_text(value: int) -> str:
    from pynats_common.go.durations import format_duration_ns

    text = format_duration_ns(value)
    for ending, short in (("m0s", "m"), ("h0m", "h")):
        text = text.removesuffix(ending) + short if text.endswith(ending) else text
    return text


def _size(text: str) -> int:
    from pynats_common.sizes import parse_size

    return parse_size(text)


def _size_text(value: int) -> str:
    from pynats_common.sizes import exact_size

    return exact_size(value)


def _subjects(text: str) -> list[str]:
    from pynats_common.subjects import split_subjects

    return split_subjects([text])


def _file(text: str) -> str:
    from pathlib import Path

    if not Path(text).exists():
        raise ValueError(f"path '{text}' does not exist")
    if Path(text).is_dir():
        raise ValueError(f"'{text}' is a directory")
    return text


def _folder(text: str) -> str:
    from pathlib import Path

    if not Path(text).exists():
        raise ValueError(f"path '{text}' does not exist")
    if not Path(text).is_dir():
        raise ValueError(f"'{text}' is a file")
    return text


def _pair(text: str) -> tuple[str, str]:
    # The original takes K=V and K:V.
    for index, char in enumerate(text):
        if char in "=:":
            return text[:index], text[index + 1 :]
    raise ValueError(f"expected KEY=VALUE, got {quote_excerpt(text)}")


def _regex(text: str) -> Any:
    import re

    try:
        return re.compile(text)
    except re.error as error:
        raise ValueError(f"invalid regular expression {quote_excerpt(text)}: {error}") from None


TEXT = Kind("TEXT", str)
INTEGER = Kind("N", _integer)
UNSIGNED = Kind("N", _unsigned)
FLOAT = Kind("N", _float)
DURATION = Kind("DURATION", _duration, spell=_duration_text)
"""Nanoseconds."""
SIZE = Kind("BYTES", _size, spell=_size_text)
"""Bytes; -1 for no limit."""
SUBJECTS = Kind("SUBJECTS", _subjects)
"""A list of subjects from a text with commas, blanks or tabs."""
EXISTING_FILE = Kind("FILE", _file)
EXISTING_FOLDER = Kind("DIRECTORY", _folder)
KEY_VALUE = Kind("KEY=VALUE", _pair)
"""A pair; a field of the type `dict` collects them."""
REGEX = Kind("REGEX", _regex)
"""A compiled pattern."""


def Choice(*names: str, **aliases: str) -> Kind:
    """One of the names; `aliases` are other spellings, `f="file"`."""

    def parse(text: str) -> str:
        if text in names:
            return text
        if text in aliases:
            return aliases[text]
        raise ValueError(f"must be one of {', '.join(names)}, got {quote_excerpt(text)}")

    return Kind("|".join(names), parse, choices=names)


def in_range(kind: Kind, least: int, most: int | None = None) -> Kind:
    """The same kind of number, within bounds."""

    def parse(text: str) -> Any:
        value = kind.parse(text)
        if value < least or (most is not None and value > most):
            bounds = f"between {least} and {most}" if most is not None else f"at least {least}"
            raise ValueError(f"must be {bounds}, got {quote_excerpt(text)}")
        return value

    return Kind(kind.placeholder, parse, spell=kind.spell)
