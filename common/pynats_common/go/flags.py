"""Reads a command line like Go's `flag` package.

One dash or two, `-x value` or `-x=value`, booleans only `-x` or `-x=false`; the first word that is
not a flag ends the flags. The messages are Go's too, because tools and users know them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Literal, TypeAlias

from pynats_common.go.numbers import INT64_MAX, INT64_MIN, parse_bool
from pynats_common.go.quoting import quote

Kind: TypeAlias = Literal["bool", "int", "str"]
Value: TypeAlias = bool | int | str

_INTEGER = re.compile(r"[+-]?(0[xX][0-9a-fA-F_]+|0[bB][01_]+|0[oO]?[0-7_]+|[0-9][0-9_]*)")


class FlagError(Exception):
    """The command line cannot be read. `unknown` is the flag that does not exist, if any."""

    def __init__(self, message: str, unknown: str = "") -> None:
        super().__init__(message)
        self.unknown = unknown


def read_flags(
    kinds: Mapping[str, Kind], args: Sequence[str]
) -> tuple[list[tuple[str, Value]], list[str]]:
    """The flags given, in order, and the words after them. Raises `FlagError`."""
    given: list[tuple[str, Value]] = []
    rest = list(args)
    while rest and len(rest[0]) > 1 and rest[0].startswith("-"):
        arg = rest.pop(0)
        if arg == "--":
            break
        body = arg[2:] if arg.startswith("--") else arg[1:]
        if not body or body[0] in "-=":
            raise FlagError(f"bad flag syntax: {arg}")
        name, equals, text = body.partition("=")
        if name not in kinds:
            raise FlagError(f"flag provided but not defined: -{name}", name)
        if kinds[name] == "bool":
            given.append((name, _boolean(name, text) if equals else True))
            continue
        if not equals:
            if not rest:
                raise FlagError(f"flag needs an argument: -{name}")
            text = rest.pop(0)
        given.append((name, _integer(name, text) if kinds[name] == "int" else text))
    return given, rest


def _boolean(name: str, text: str) -> bool:
    try:
        return parse_bool(text)
    except ValueError:
        wrong = f"invalid boolean value {quote(text)} for -{name}: parse error"
        raise FlagError(wrong) from None


def _integer(name: str, text: str) -> int:
    def fail(reason: str) -> FlagError:
        return FlagError(f"invalid value {quote(text)} for flag -{name}: {reason}")

    if not _INTEGER.fullmatch(text) or len(text) > 80:
        raise fail("parse error")
    digits = re.sub(r"^([+-]?)0+(?=[0-7_])", r"\g<1>0o", text)  # a leading zero means octal
    try:
        value = int(digits, 0)
    except ValueError:
        raise fail("parse error") from None
    if not INT64_MIN <= value <= INT64_MAX:
        raise fail("value out of range")
    return value
