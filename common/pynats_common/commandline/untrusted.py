"""Texts of strangers on a terminal: what would steer it is shown, not obeyed.

Names, subjects, descriptions and bodies come from whoever may use the server. A control character
in them would move the cursor, set the window's title or type answers for the user.
"""

from __future__ import annotations

import re

# All but line ends and tabs; C1 also as the lone bytes that Python keeps as surrogates, and what
# turns the direction of the text behind it around.
_STEERING = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\udc80-\udc9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]"
)
_STYLE = re.compile("(\x1b\\[[0-9;]*m)")


def harmless(text: str) -> str:
    """The text with its control characters spelled out (`\\u001b`); line ends and tabs stay."""
    return text if text.isprintable() else _STEERING.sub(_escaped, text.replace("\r\n", "\n"))


def harmless_cell(text: str) -> str:
    """For a place in a table: tabs, whose width depends on where they stand, are blanks."""
    return text if text.isprintable() else harmless(text).replace("\t", " ")


def harmless_screen(text: str) -> str:
    """The same for a screen of our own, whose colours and weights stay."""
    if "\x1b" not in text:
        return harmless(text)
    parts = _STYLE.split(text)
    return "".join(part if number % 2 else harmless(part) for number, part in enumerate(parts))


def harmless_bytes(data: bytes) -> bytes:
    """The same for a body; what is not UTF-8 is replaced."""
    return harmless(data.decode("utf-8", "replace")).encode()


def _escaped(found: re.Match[str]) -> str:
    return f"\\u{ord(found[0]):04x}"
