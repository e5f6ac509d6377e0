"""Query parameters, checked the way the real server checks them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar
from urllib.parse import unquote_plus

from pynats_common.go.numbers import parse_bool, parse_int, parse_uint
from pynats_common.go.text import clean

T = TypeVar("T")
DEFAULT_LIMIT = 1024  # entries per page
PARAMETERS_MAX = 256  # parameters read; later ones are ignored


class BadRequest(Exception):
    """A parameter is wrong; the text is the body of the 400 answer."""


class Query:
    """The parameters of one request. The first of several with one name counts; malformed parts are
    ignored."""

    def __init__(self, raw: str = "") -> None:
        self._values: dict[str, str] = {}
        for part in raw.split("&", PARAMETERS_MAX)[:PARAMETERS_MAX]:
            if not part or ";" in part:
                continue
            name, _, value = part.partition("=")
            if _well_formed(name) and _well_formed(value):
                self._values.setdefault(_unquoted(name), _unquoted(value))

    def text(self, name: str) -> str:
        """The value, empty when absent."""
        return clean(self._values.get(name, ""))

    def raw(self, name: str) -> bytes:
        """The bytes of the value: subjects need not be UTF-8."""
        return self._values.get(name, "").encode("utf-8", "surrogateescape")

    def flag(self, name: str) -> bool:
        """A boolean, false when absent. Raises BadRequest."""
        return self._read(name, "boolean", parse_bool, False)

    def integer(self, name: str) -> int:
        """A signed integer, 0 when absent. Raises BadRequest."""
        return self._read(name, "int", parse_int, 0)

    def unsigned(self, name: str) -> int:
        """An unsigned integer, 0 when absent. Raises BadRequest."""
        return self._read(name, "uint64", parse_uint, 0)

    def page(self) -> tuple[int, int]:
        """Offset and limit, both in range: 0 <= offset, 1 <= limit. Raises BadRequest."""
        offset, limit = self.integer("offset"), self.integer("limit")
        return max(0, offset), limit if limit > 0 else DEFAULT_LIMIT

    def detail(self, name: str) -> tuple[bool, bool]:
        """(wanted, with details) of a parameter that is a boolean or `detail`."""
        if self.text(name).lower() == "detail":
            return True, True
        return self.flag(name), False

    def _read(self, name: str, kind: str, parse: Callable[[str], T], absent: T) -> T:
        value = self._values.get(name, "")  # a complaint, no JSON, shows its bytes
        if not value:
            return absent
        try:
            return parse(value)
        except ValueError as error:
            raise BadRequest(f"Error decoding {kind} for '{name}': {error}") from None


def _unquoted(part: str) -> str:
    """Decoded; bytes that are not UTF-8 become surrogates."""
    return unquote_plus(part, errors="surrogateescape")


_HEX = frozenset("0123456789abcdefABCDEF")


def _well_formed(part: str) -> bool:
    """Whether every percent sign is followed by two hexadecimal digits."""
    pieces = part.split("%")[1:]
    return all(len(piece) >= 2 and piece[0] in _HEX and piece[1] in _HEX for piece in pieces)
