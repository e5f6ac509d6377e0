"""Distinguished names as configurations have them: RFC 4514 text, and when two are the same.

The order of their parts does not matter, nor do blanks around these and the case of attribute
types. Values count as they are.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, TypeAlias

Rdn: TypeAlias = tuple[tuple[str, str], ...]  # (type, value); more than one with `+`
Dn: TypeAlias = tuple[Rdn, ...]

_ESCAPE: Final = re.compile(rb'\\(?:([ "#+,;<=>\\])|([0-9A-Fa-f]{2}))')
_PIECE: Final = re.compile(rb"[^\\]|\\.[0-9A-Fa-f]?", re.DOTALL)  # a byte, or an escape


def parse_dn(text: str) -> Dn | None:
    """The parts of a name; None if it is not one."""
    found: list[Rdn] = []
    try:
        for part in _split(text.encode("utf-8", "surrogateescape"), b","):
            found.append(tuple(_attribute(each) for each in _split(part, b"+")))
    except ValueError:
        return None
    return tuple(found)


def same_as(dn: Dn) -> Dn:
    """What all names that are the same have in common."""
    return tuple(sorted(tuple(sorted((kind.upper(), value) for kind, value in rdn)) for rdn in dn))


def _split(text: bytes, separator: bytes) -> Iterator[bytes]:
    """The parts between the separators that are not escaped."""
    part = bytearray()
    for piece in _PIECE.findall(text):
        if piece == separator:
            yield bytes(part)
            part.clear()
        else:
            part += piece
    yield bytes(part)


def _attribute(text: bytes) -> tuple[str, str]:
    kind, equals, value = text.partition(b"=")
    kind, pieces = kind.strip(b" "), _PIECE.findall(value.lstrip(b" "))
    while pieces and pieces[-1] == b" ":  # an escaped one stays
        pieces.pop()
    value = b"".join(pieces)
    if not kind or not equals or not value or b"\\" in kind or value.startswith(b"#"):
        raise ValueError("not an attribute with its value")
    return kind.decode(), _unescaped(value)


def _unescaped(value: bytes) -> str:
    if b"\\" in _ESCAPE.sub(b"", value):
        raise ValueError("not an escape")
    plain = _ESCAPE.sub(lambda found: found[1] or bytes.fromhex(found[2].decode()), value)
    return plain.decode()
