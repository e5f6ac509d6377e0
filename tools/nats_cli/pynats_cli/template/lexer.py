"""Splits a template into plain text, and actions as lists of tokens."""

from __future__ import annotations

import re
from typing import NamedTuple

from pynats_cli.template.errors import TemplateError


class Token(NamedTuple):
    """`kind` is the name of its group in the pattern below, or `chain`: fields of what is in the
    parentheses before."""

    kind: str
    text: str


_STRING = r'"(?:[^"\\\n]|\\.)*"|`[^`]*`'
_LETTER = r"'(?:[^'\\\n]|\\.)*'"
_TOKEN = re.compile(
    rf"""(?P<space>\s*)(?:
      (?P<string>{_STRING})
    | (?P<letter>{_LETTER})
    | (?P<number>[+-]?(?:
          0[xX][0-9a-fA-F_]+(?:\.[0-9a-fA-F_]*)?(?:[pP][+-]?[0-9_]+)?
        | 0[bBoO][0-9_]+
        | [0-9][0-9_]*(?:\.[0-9_]*)?(?:[eE][+-]?[0-9_]+)?
        | \.[0-9][0-9_]*(?:[eE][+-]?[0-9_]+)?))
    | (?P<fields>(?:\.[^\W\d]\w*)+)
    | (?P<variable>\$\w*(?:\.[^\W\d]\w*)*)
    | (?P<name>[^\W\d]\w*)
    | (?P<symbol>:=|[|(),=.])
    )""",
    re.VERBOSE,
)
# Actions end where `}}` is not part of a string. A comment is one only right after `{{` or `{{- `.
_PIECE = re.compile(
    rf"""\{{\{{(?:
      (?P<open>-\s)?/\*.*?\*/(?P<close>\s-)?
    | (?P<left>-(?=\s))?(?P<action>(?:{_STRING}|{_LETTER}|(?!(?:\s-)?\}}\}})[^"`'])*)(?P<right>\s-)?
    )\}}\}}""",
    re.VERBOSE | re.DOTALL,
)
_OPERANDS = ("string", "letter", "number", "fields", "variable", "name")
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "a": "\a", "b": "\b", "f": "\f", "v": "\v"}
_ESCAPE = re.compile(r"\\(x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|[0-7]{3}|.)", re.DOTALL)
_INT_MAX, _INT_MIN = 2**63 - 1, -(2**63)


def tokens(action: str) -> list[Token]:
    """The tokens between `{{` and `}}`. Raises TemplateError."""
    found: list[Token] = []
    position, text = 0, action.strip()
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise TemplateError(f"unexpected {text[position : position + 10]!r} in action")
        kind = match.lastgroup or ""
        token = Token(kind, match[kind])
        if found and not match["space"]:
            if kind == "fields" and found[-1].text == ")":
                token = Token("chain", token.text)
            elif _runs_into(found[-1], token):
                raise TemplateError(f"unexpected {token.text!r} after {found[-1].text!r}")
        found.append(token)
        position = match.end()
    return found


def _runs_into(before: Token, token: Token) -> bool:
    """Whether these need a blank between them, as operands do."""
    ends = before.kind in _OPERANDS or before.text == ")"
    begins = token.kind in _OPERANDS or token.text == "("
    return ends and begins


def unquote(text: str) -> str:
    """The content of a string token. Raises TemplateError."""
    if text[0] == "`":
        return text[1:-1]

    def replace(match: re.Match[str]) -> str:
        code = match[1]
        if len(code) > 1:
            try:
                return chr(int(code, 8) if code.isdigit() else int(code[1:], 16))
            except ValueError:
                raise TemplateError(f"bad escape in string {text}") from None
        if code in _ESCAPES or code in "\"\\'":
            return _ESCAPES.get(code, code)
        raise TemplateError(f"bad escape in string {text}")

    return _ESCAPE.sub(replace, text[1:-1])


def letter(text: str) -> int:
    """The code of a character constant. Raises TemplateError."""
    content = unquote(text)
    if len(content) != 1:
        raise TemplateError(f"malformed character constant: {text}")
    return ord(content)


def number(text: str) -> int | float:
    """The value of a number token. Raises TemplateError."""
    digits = text.lstrip("+-")
    sign = -1 if text.startswith("-") else 1
    try:
        if digits[:2].lower() == "0x" and set(digits.lower()) & set(".p"):
            return sign * float.fromhex(digits.replace("_", ""))
        if digits[:2].isdigit() and digits[0] == "0" and set(digits) <= set("0123456789_"):
            value = int(digits, 8)  # as in C
        elif set(digits.lower()) & set(".e") and digits[:2].lower() != "0x":
            return sign * float(digits)
        else:
            value = int(digits, 0)
    except ValueError:
        raise TemplateError(f"bad number: {text}") from None
    if not _INT_MIN <= sign * value <= _INT_MAX:
        raise TemplateError(f"integer overflow: {text}")
    return sign * value


def pieces(text: str) -> list[str | list[Token]]:
    """Plain text and actions in order, without comments, with trim markers applied."""
    found: list[str | list[Token]] = []
    position, trim = 0, False
    while (start := text.find("{{", position)) >= 0:
        match = _PIECE.match(text, start)
        if match is None:
            raise TemplateError("unclosed action")
        before = text[position:start]
        before = before.lstrip() if trim else before
        found.append(before.rstrip() if match["open"] or match["left"] else before)
        if match["action"] is not None:
            found.append(tokens(match["action"]))
        position, trim = match.end(), bool(match["close"] or match["right"])
    rest = text[position:]
    found.append(rest.lstrip() if trim else rest)
    return found
