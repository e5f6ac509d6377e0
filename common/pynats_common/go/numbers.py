"""Booleans and integers as Go's `strconv` reads them, with its errors."""

from __future__ import annotations

import re

from pynats_common.go.quoting import quote

INT64_MIN, INT64_MAX = -(2**63), 2**63 - 1
UINT64_MAX = 2**64 - 1

_TRUE = frozenset(("1", "t", "T", "true", "TRUE", "True"))
_FALSE = frozenset(("0", "f", "F", "false", "FALSE", "False"))
_SIGNED = re.compile(r"[+-]?[0-9]+", re.ASCII)
_UNSIGNED = re.compile(r"[0-9]+", re.ASCII)
_LONGEST_NUMBER = 40  # digits; longer numbers are out of range without calling int()


def parse_bool(text: str) -> bool:
    """Raises ValueError with Go's wording."""
    if text in _TRUE:
        return True
    if text in _FALSE:
        return False
    raise ValueError(f"strconv.ParseBool: parsing {quote(text)}: invalid syntax")


def parse_int(text: str) -> int:
    """A signed 64-bit integer, decimal. Raises ValueError with Go's wording."""
    return _integer(text, "Atoi", _SIGNED, INT64_MIN, INT64_MAX)


def parse_uint(text: str) -> int:
    """An unsigned 64-bit integer, decimal. Raises ValueError with Go's wording."""
    return _integer(text, "ParseUint", _UNSIGNED, 0, UINT64_MAX)


def _integer(text: str, function: str, form: re.Pattern[str], least: int, most: int) -> int:
    if not form.fullmatch(text):
        raise ValueError(f"strconv.{function}: parsing {quote(text)}: invalid syntax")
    digits = text.lstrip("+-").lstrip("0")
    value = int(digits or "0") if len(digits) <= _LONGEST_NUMBER else UINT64_MAX + 1
    value = -value if text.startswith("-") else value
    if not least <= value <= most:
        raise ValueError(f"strconv.{function}: parsing {quote(text)}: value out of range")
    return value
