"""Splits a template into plain text, and actions as lists of tokens."""

from __future__ import annotations

import re
from typing import NamedTuple

from pynats_cli.template.errors import TemplateError


class Token(NamedTuple):
    """`kind` is the name of its group in the pattern below."""

    kind: str
    text: str


_TOKEN = re.compile(
    r"""\s*(?:
      (?P<string>"(?:[^"\\\n]|\\.)*"|`[^`]*`)
    | (?P<number>[+-]?(?:0[xX][0-9a-fA-F]+|[0-9]+(?:\.[0-9]*)?(?:[eE][+-]?[0-9]+)?|\.[0-9]+))
    | (?P<fields>(?:\.[A-Za-z_]\w*)+)
    | (?P<variable>\$\w*(?:\.[A-Za-z_]\w*)*)
    | (?P<name>[A-Za-z_]\w*)
    | (?P<symbol>:=|[|(),=.])
    )""",
    re.VERBOSE,
)
_PIECE = re.compile(r"\{\{(-(?=\s))?(.*?)(?:(?<=\s)(-))?\}\}", re.DOTALL)
_COMMENT = re.compile(r"\s*/\*.*\*/\s*", re.DOTALL)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "a": "\a", "b": "\b", "f": "\f", "v": "\v"}
_ESCAPE = re.compile(r"\\(x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|.)", re.DOTALL)


def tokens(action: str) -> list[Token]:
    """The tokens between `{{` and `}}`. Raises TemplateError."""
    found, position, text = [], 0, action.strip()
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise TemplateError(f"unexpected {text[position : position + 10]!r} in action")
        kind = match.lastgroup or ""
        found.append(Token(kind, match[kind]))
        position = match.end()
    return found


def unquote(text: str) -> str:
    """The content of a string token. Raises TemplateError."""
    if text[0] == "`":
        return text[1:-1]

    def replace(match: re.Match[str]) -> str:
        code = match[1]
        if len(code) > 1:
            try:
                return chr(int(code[1:], 16))
            except ValueError:
                raise TemplateError(f"bad escape in string {text}") from None
        if code in _ESCAPES or code in "\"\\'":
            return _ESCAPES.get(code, code)
        raise TemplateError(f"bad escape in string {text}")

    return _ESCAPE.sub(replace, text[1:-1])


def number(text: str) -> int | float:
    """The value of a number token."""
    try:
        return int(text, 16 if "x" in text.lower() else 10)
    except ValueError:
        return float(text)


def pieces(text: str) -> list[str | list[Token]]:
    """Plain text and actions in order, without comments, with trim markers applied."""
    found: list[str | list[Token]] = []
    position, trim = 0, False
    for match in _PIECE.finditer(text):
        before = text[position : match.start()]
        before = before.lstrip() if trim else before
        found.append(before.rstrip() if match[1] else before)
        if not _COMMENT.fullmatch(match[2]):
            found.append(tokens(match[2]))
        position, trim = match.end(), bool(match[3])
    rest = text[position:]
    if "{{" in rest:
        raise TemplateError("unclosed action")
    found.append(rest.lstrip() if trim else rest)
    return found
