"""Reading a command line the way Go's `flag` package does.

One dash or two, `-x value` or `-x=value`, booleans only `-x` or `-x=false`; the first word that
is no flag ends the flags. The messages are Go's too, since tools and habits rest on them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Literal, TypeAlias

Kind: TypeAlias = Literal["bool", "int", "str"]
Value: TypeAlias = bool | int | str

_TRUE = ("1", "t", "T", "TRUE", "true", "True")
_FALSE = ("0", "f", "F", "FALSE", "false", "False")
_INTEGER = re.compile(r"[+-]?(0[xX][0-9a-fA-F_]+|0[bB][01_]+|0[oO]?[0-7_]+|[0-9][0-9_]*)")


class FlagError(Exception):
    """The command line cannot be read."""


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
            raise FlagError(f"flag provided but not defined: -{name}")
        if kinds[name] == "bool":
            given.append((name, _boolean(name, text) if equals else True))
            continue
        if not equals:
            if not rest:
                raise FlagError(f"flag needs an argument: -{name}")
            text = rest.pop(0)
        given.append((name, _integer(name, text) if kinds[name] == "int" else text))
    return given, rest


def quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _boolean(name: str, text: str) -> bool:
    if text not in _TRUE + _FALSE:
        raise FlagError(f"invalid boolean value {quoted(text)} for -{name}: parse error")
    return text in _TRUE


def _integer(name: str, text: str) -> int:
    def fail(reason: str) -> FlagError:
        return FlagError(f"invalid value {quoted(text)} for flag -{name}: {reason}")

    if not _INTEGER.fullmatch(text) or len(text) > 80:
        raise fail("parse error")
    digits = re.sub(r"^([+-]?)0+(?=[0-7_])", r"\g<1>0o", text)  # a leading zero means octal
    try:
        value = int(digits, 0)
    except ValueError:
        raise fail("parse error") from None
    if not -(2**63) <= value < 2**63:
        raise fail("value out of range")
    return value
