"""Text in double quotes, as `strconv.Quote` and `%q` write it."""

from __future__ import annotations

from pynats_common.go.text import bytes_of, raw_text

_ESCAPES = {'"': '\\"', "\\": "\\\\", "\a": "\\a", "\b": "\\b", "\f": "\\f"}
_ESCAPES |= {"\n": "\\n", "\r": "\\r", "\t": "\\t", "\v": "\\v"}


def quote(text: str | bytes) -> str:
    """`text` between double quotes; unprintable characters are escaped.

    Bytes that are not UTF-8 (in a `str`: surrogate escapes) appear as `\\xff`.
    """
    if isinstance(text, bytes):
        text = raw_text(text)
    if text.isprintable() and '"' not in text and "\\" not in text:
        return f'"{text}"'
    return '"' + "".join(map(_escaped, text)) + '"'


def quote_ascii(text: str) -> str:
    """Quotes like Go's `time` package: bytes outside printable ASCII (and DEL) as numbers."""
    out = ['"']
    for byte in bytes_of(text):
        if byte < 0x20 or byte > 0x7F:
            out.append(f"\\x{byte:02x}")
        else:
            out.append(f"\\{chr(byte)}" if chr(byte) in '"\\' else chr(byte))
    return "".join((*out, '"'))


def quote_excerpt(text: str) -> str:
    """The beginning of user input, unchanged, for error messages."""
    return f'"{text}"' if len(text) <= 40 else f'"{text[:37]}..."'


def _escaped(char: str) -> str:
    if char in _ESCAPES:
        return _ESCAPES[char]
    if char.isprintable():
        return char
    code = ord(char)
    if 0xDC80 <= code <= 0xDCFF:  # a byte that was not UTF-8
        return f"\\x{code - 0xDC00:02x}"
    if code < 0x80:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
