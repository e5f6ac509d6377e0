"""Splits an expression into tokens."""

from __future__ import annotations

import re
from typing import NamedTuple

from pynats_cli.expressions.errors import ExpressionError

_SIGNS = (
    "?.", "??", "**", "..", "==", "!=", "<=", ">=", "&&", "||",
    *"+-*/%^<>!?:.,()[]{}#|",
)  # fmt: skip
_TOKEN = re.compile(
    rf"""(?P<space>[\s]+|//[^\n]*|/\*.*?\*/)
    | (?P<number>0[xX][0-9a-fA-F_]+|0[bB][01_]+|0[oO][0-7_]+
        |(?:[0-9][0-9_]*(?:\.(?!\.)[0-9_]*)?|\.[0-9][0-9_]*)(?:[eE][+-]?[0-9_]+)?)
    | (?P<string>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`[^`]*`)
    | (?P<name>[^\W\d]\w*|\$env)
    | (?P<sign>{"|".join(re.escape(sign) for sign in _SIGNS)})
    """,
    re.VERBOSE | re.DOTALL,
)
_ESCAPE = re.compile(r"\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|(.))", re.DOTALL)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "a": "\a", "b": "\b", "f": "\f", "v": "\v"}
_PLAIN = "\\\"'`"


class Token(NamedTuple):
    """`kind` is number, string, name, sign or end; `value` of a literal is what it means."""

    kind: str
    text: str
    at: int
    value: int | float | str | None = None


def tokens(text: str) -> list[Token]:
    """The tokens, an `end` last. Raises ExpressionError."""
    found: list[Token] = []
    position = 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise _unreadable(text, position)
        kind = match.lastgroup or ""
        if kind != "space":
            found.append(_token(kind, match[kind], position))
        position = match.end()
    found.append(Token("end", "EOF", len(text)))
    return found


def _unreadable(text: str, at: int) -> ExpressionError:
    if text[at] in "\"'`":
        return ExpressionError("literal not terminated", len(text))
    return ExpressionError(f"unrecognized character: U+{ord(text[at]):04X} {text[at]!r}", at)


def _token(kind: str, text: str, at: int) -> Token:
    if kind == "number":
        return Token(kind, text, at, _number(text, at))
    if kind == "string":
        return Token(kind, text, at, _string(text, at))
    return Token(kind, text, at)


def _number(text: str, at: int) -> int | float:
    plain = text.replace("_", "")
    try:
        if plain[:2].lower() in ("0x", "0b", "0o"):
            return int(plain, 0)
        return float(plain) if any(mark in plain for mark in ".eE") else int(plain)
    except ValueError:
        raise ExpressionError(f'invalid number "{text}"', at) from None


def _string(text: str, at: int) -> str:
    if text[0] == "`":
        return text[1:-1]

    def plain(match: re.Match[str]) -> str:
        short, long, longest, letter = match.groups()
        if letter is None:
            return chr(int(short or long or longest, 16))
        if letter in _ESCAPES or letter in _PLAIN:
            return _ESCAPES.get(letter, letter)
        raise ExpressionError(f"invalid char escape \\{letter}", at + 1 + match.start())

    try:
        return _ESCAPE.sub(plain, text[1:-1])
    except (ValueError, OverflowError):
        raise ExpressionError("invalid char escape", at) from None
