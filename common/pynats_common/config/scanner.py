"""Reads scalars from configuration text: where a word, number or string ends, and its type.

`Scanner` walks one text and knows nothing of maps, variables or files; `parser` builds on it.
The rules, also the odd ones, are those of the real server, so that a file means the same to both: a
number followed by other characters is a string (`127.0.0.1`, `8bits`, `1h`), a
bare word ends at white space or one of `,;]}`, only `"…"` and bare words know escapes.
"""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime
from typing import NamedTuple, NoReturn

from pynats_common.config.source import Position, Source
from pynats_common.config.values import PARSE_ERROR, ConfigError, Scalar
from pynats_common.go.text import bytes_of, raw_text

SPACE = (
    "\t\n\v\f\r \x85\xa0\u1680"
    + "".join(map(chr, range(0x2000, 0x200B)))
    + ("\u2028\u2029\u202f\u205f\u3000")
)
NEWLINE = "\r\n"
SEPARATORS = "=:"

_SPACES = re.compile(f"[{SPACE}]*")
_BLANKS = re.compile(r"[\t ]*")
_COMMENT = re.compile(r"[^\r\n]*")
_FILLER = re.compile(rf"[{SPACE}]*(?:(?:#|//)[^\r\n]*[{SPACE}]*)*")
_BEFORE_END = re.compile(r"[\t ]*(?:(?:#|//)[^\r\n]*)?")
_BARE_KEY = re.compile(f"[^=:{SPACE}]*")
_BARE_WORD = re.compile(r"[^\\'\r\n\t ,;\]}]*")
_QUOTED_RUN = re.compile(r'[^"\\]*')
_INCLUDE_PATH = re.compile(r"[^\r\n\t ;}']*")
_DIGITS = re.compile(r"\d*")
_UNIT = re.compile(r"[kKmMgGtTpPeE][bBiI]*")
_ADDRESS_TAIL = re.compile(r"[\d.:\-]*")
_BLOCK_END = re.compile(r"(?<=\n)\)(?=\n|\Z)")
_AFTER_NUMBER = "\r\n\t ,;]}"
_AFTER_UNIT = "\r\n\t ,;}"
_DATE_SHAPE = "00-00T00:00:00Z"

BOOLEANS = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}
_POWERS = {letter: power for power, letter in enumerate("kmgtpe", start=1)}
_ESCAPES = {"t": "\t", "n": "\n", "r": "\r", '"': '"', "\\": "\\"}
_INT64_MAX = 2**63 - 1


class Variable(NamedTuple):
    """A bare `$name` where a value was expected."""

    name: str


class Scanner:
    """A cursor over one configuration text."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.text = source.text
        self.pos = 0

    # -- places -----------------------------------------------------------------------------

    def position(self, offset: int | None = None) -> Position:
        return self.source.position(self.pos if offset is None else offset)

    def fail(self, message: str, offset: int | None = None) -> NoReturn:
        raise ConfigError(f"{PARSE_ERROR}: {message}", self.position(offset))

    # -- moving -----------------------------------------------------------------------------

    @property
    def at_end(self) -> bool:
        return self.pos >= len(self.text)

    def peek(self) -> str:
        """The next character, or "" at the end."""
        return self.text[self.pos : self.pos + 1]

    def described(self) -> str:
        """The next character, as messages show it."""
        char = self.peek()
        return {"": "end of file", "\n": "\\n", "\r": "\\r"}.get(char, char)

    def skip_spaces(self) -> None:
        self.pos = self._end_of(_SPACES)

    def skip_blanks(self) -> None:
        self.pos = self._end_of(_BLANKS)

    def skip_filler(self) -> None:
        """Skips white space and comments."""
        self.pos = self._end_of(_FILLER)

    def skip_to_end(self) -> None:
        """Skips what may stand between a value and the character that ends its item."""
        self.pos = self._end_of(_BEFORE_END)

    def skip_comment(self) -> bool:
        """Skips a `#` or `//` comment, but not its newline."""
        if not self.text.startswith(("#", "//"), self.pos):
            return False
        self.pos = self._end_of(_COMMENT)
        return True

    def _end_of(self, pattern: re.Pattern[str], start: int | None = None) -> int:
        found = pattern.match(self.text, self.pos if start is None else start)
        assert found is not None  # every pattern here also matches the empty string
        return found.end()

    # -- keys and paths ---------------------------------------------------------------------

    def read_key(self, *, inner: bool) -> tuple[str, int, bool]:
        """The key at the cursor, its offset, and whether it may be the word `include`.

        `inner`: the key belongs to an inner map, where messages differ slightly.
        """
        char = self.peek()
        if char in SEPARATORS:
            self.fail(f"Unexpected key separator '{char}'{'.' if inner else ''}")
        if char in "\"'":
            start = self.pos + 1
            end = self.text.find(char, start)
            if end < 0:
                quotes = "double quoted" if char == '"' else "quoted"
                what = f" processing {quotes} map key" if inner else ""
                self.fail(f"Unexpected EOF{what}.", len(self.text))
            self.pos = end + 1
            return self.text[start:end], start, False
        start = self.pos
        self.pos = self._end_of(_BARE_KEY, start + 1)
        # The keyword counts only when white space follows; `include: x` is a plain key.
        return self.text[start : self.pos], start, self.peek() not in SEPARATORS

    def read_include_path(self) -> str:
        self.skip_blanks()
        char = self.peek()
        if char and char in "\"'":
            end = self.text.find(char, self.pos + 1)
            if end < 0:
                quotes = "double quoted" if char == '"' else "quoted"
                self.fail(f"Unexpected EOF in {quotes} include", len(self.text))
            path = self.text[self.pos + 1 : end]
            self.pos = end + 1
            return path
        wrong = {"[": "start of an array", "{": "start of a map", "(": "start of a block"}
        wrong |= {"\\": "escape sequence", "\n": "new line", "\r": "new line"}
        if char in wrong or char.isdecimal() or char == "-":
            self.fail(f"Expected include value but found {wrong.get(char, 'start of a number')}")
        start, stop = self.pos, self._end_of(_INCLUDE_PATH)
        self.pos = stop + (self.text[stop : stop + 1] == "'")
        return self.text[start:stop]

    # -- scalars ----------------------------------------------------------------------------

    def read_scalar(self) -> Scalar | Variable:
        """The string, number, boolean, date or variable at the cursor (not at white space)."""
        char = self.peek()
        if char == "'":
            return self._read_single_quoted()
        if char == '"':
            return self._read_double_quoted()
        if char == "(":
            return self._read_block()
        if char == "-" or char.isdecimal():
            return self._read_number()
        if char == ".":
            self.fail("Floats must start with a digit")
        if char and char in NEWLINE:
            self.fail("Expected value but found new line")
        return self._read_bare(self.pos)

    def _read_single_quoted(self) -> str:
        end = self.text.find("'", self.pos + 1)
        if end < 0:
            self.fail("Unexpected EOF.", len(self.text))
        value = self.text[self.pos + 1 : end]
        self.pos = end + 1
        return value

    def _read_double_quoted(self) -> str:
        self.pos += 1
        parts: list[str] = []
        while True:
            end = self._end_of(_QUOTED_RUN)
            parts.append(self.text[self.pos : end])
            self.pos = end
            if self.at_end:
                self.fail("Unexpected EOF.")
            if self.peek() == '"':
                self.pos += 1
                return _join_bytes(parts)
            parts.append(self._read_escape())

    def _read_bare(self, start: int) -> str | bool | Variable:
        """A bare word; `start` is before the cursor if a number turned out to be a word."""
        parts: list[str] = []
        begin = start
        while True:
            self.pos = self._end_of(_BARE_WORD)
            parts.append(self.text[begin : self.pos])
            if self.peek() != "\\":
                break
            parts.append(self._read_escape())
            begin = self.pos
        if self.peek() == "'":  # a stray closing quote ends the word and is dropped
            self.pos += 1
            return _join_bytes(parts)
        if len(parts) > 1:
            return _join_bytes(parts)
        word = parts[0]
        if word.lower() in BOOLEANS:
            return BOOLEANS[word.lower()]
        return Variable(word[1:]) if word.startswith("$") else word

    def _read_escape(self) -> str:
        escape = self.text[self.pos + 1 : self.pos + 2]
        if escape == "x":
            digits = self.text[self.pos + 2 : self.pos + 4]
            wanted = "Expected two hexadecimal digits after '\\x', but "
            if "\n" in digits or "\r" in digits or len(digits) < 2:
                self.fail(wanted + "hit end of line")
            if not re.fullmatch("[0-9A-Fa-f]{2}", digits):
                self.fail(f"{wanted}got '{digits}'")
            self.pos += 4
            code = int(digits, 16)
            return chr(code) if code < 0x80 else chr(0xDC00 + code)
        if escape not in _ESCAPES:
            shown = "\\n" if escape == "\n" else escape
            self.fail(
                f"Invalid escape character '{shown}'. Only the following escape characters are "
                'allowed: \\xXX, \\t, \\n, \\r, \\", \\\\.'
            )
        self.pos += 2
        return _ESCAPES[escape]

    def _read_block(self) -> str:
        """Raw lines between `(` and a `)` alone on its line."""
        found = _BLOCK_END.search(self.text, self.pos + 1)
        if found is None:
            self.fail("Unexpected EOF processing block.", len(self.text))
        value = self.text[self.pos + 1 : found.start()]
        self.pos = found.end()
        return value

    # -- numbers and dates ------------------------------------------------------------------

    def _read_number(self) -> Scalar | Variable:
        start = self.pos
        negative = self.peek() == "-"
        self.pos += negative
        if not self.peek().isdecimal():
            if self.peek() == ".":
                self.fail("Floats must start with a digit, not '.'.")
            self.fail(f"Expected a digit but got '{self.described()}'.")
        digits_end = self.pos = self._end_of(_DIGITS)
        char = self.peek()
        if char == ".":
            return self._read_float_or_address(start)
        unit = _UNIT.match(self.text, self.pos)
        if unit is not None:
            self.pos = unit.end()
            if self.at_end or self.peek() in _AFTER_UNIT:
                return self._integer(start, digits_end)
            return self._read_bare(start)
        if negative or not char or char in _AFTER_NUMBER:
            return self._integer(start, digits_end)
        if char == "-":
            if self.pos - start != 4:
                self.fail("All ISO8601 dates must be in full Zulu form.")
            return self._read_date(start)
        self.pos += 1  # the character that makes it a word is part of it, even a quote
        return self._read_bare(start)

    def _integer(self, start: int, digits_end: int) -> int:
        shown = self.text[start : self.pos]
        digits, unit = self.text[start:digits_end], self.text[digits_end : self.pos].lower()
        if not digits.isascii():
            self.fail(f"expected integer, but got '{shown}'", start)
        factor = 1
        if unit:
            if unit[1:] not in ("", "b", "i", "ib"):
                self.fail(f"unknown unit in number '{shown}'", start)
            factor = (1024 if unit[1:] else 1000) ** _POWERS[unit[0]]
        number = int(digits) * factor if len(digits) < 64 else _INT64_MAX + 1
        if not -_INT64_MAX - 1 <= number <= _INT64_MAX:
            self.fail(f"integer '{shown}' is out of the range", start)
        return number

    def _read_float_or_address(self, start: int) -> float | str:
        self.pos += 1
        if not self.peek().isdecimal():
            shown = self.described()
            self.fail(f"Floats must have a digit after the '.', but got '{shown}' instead.")
        self.pos = self._end_of(_DIGITS)
        if self.peek() == ".":
            self.pos = self._end_of(_ADDRESS_TAIL)
            return self.text[start : self.pos]
        shown = self.text[start : self.pos]
        number = float(shown) if shown.isascii() else math.nan
        if math.isnan(number):
            self.fail(f"expected float, but got '{shown}'", start)
        if math.isinf(number):
            self.fail(f"float '{shown}' is out of the range", start)
        return number

    def _read_date(self, start: int) -> datetime:
        self.pos += 1
        for wanted in _DATE_SHAPE:
            if wanted == "0" and not self.peek().isdecimal():
                shown = self.described()
                self.fail(f"Expected digit in ISO8601 datetime, but found '{shown}' instead.")
            if wanted != "0" and self.peek() != wanted:
                shown = self.described()
                self.fail(f"Expected '{wanted}' in ISO8601 datetime, but found '{shown}' instead.")
            self.pos += 1
        shown = self.text[start : self.pos]
        try:
            return datetime.strptime(shown, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
        except ValueError:
            self.fail(f"expected Zulu formatted DateTime, but got '{shown}'", start)


def _join_bytes(parts: list[str]) -> str:
    """Joins pieces in which `\\xHH` may be single bytes of UTF-8 text."""
    text = "".join(parts)
    if text.isascii():
        return text
    return raw_text(bytes_of(text))
