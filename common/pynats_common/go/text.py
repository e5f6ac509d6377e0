"""Text from outside, as Go's JSON takes it: what is not UTF-8 becomes U+FFFD.

Everything that a client, a file or a request says passes here where it enters; then every output
can carry it.
"""

from __future__ import annotations

import re

NAME_MAX = 128  # characters of a name that the log shows

_LONE = re.compile("[\ud800-\udfff]")
_REPLACEMENT = "\ufffd"
# Control characters, what some terminals and readers of logs take for the end of a line, and what
# turns the direction of the text behind it around.
_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
_SHORT = {"\t": "\\t", "\n": "\\n", "\r": "\\r"}


def text_of(raw: bytes) -> str:
    """Bytes as text; each byte that belongs to no character becomes U+FFFD, as in Go."""
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return _LONE.sub(_REPLACEMENT, raw_text(raw))


def bytes_of(text: str) -> bytes:
    """Text as bytes, whatever it was made of: see `raw_text`."""
    return text.encode("utf-8", "surrogateescape")


def raw_text(raw: bytes) -> str:
    """Bytes as text from which `bytes_of` makes the same bytes: for what becomes bytes again, and
    for no output that has to be UTF-8."""
    return raw.decode("utf-8", "surrogateescape")


def shortened(text: str) -> str:
    """A name from outside, for a line of the log."""
    return text if len(text) <= NAME_MAX else text[:NAME_MAX] + "..."


def clean(text: str) -> str:
    """Text without halves of surrogate pairs (JSON can spell them): each becomes U+FFFD."""
    return text if text.isascii() else _LONE.sub(_REPLACEMENT, text)


def one_line(text: str) -> str:
    """Text for a line of a log or a terminal: control characters are shown, not obeyed."""
    if text.isprintable():
        return text
    return _CONTROLS.sub(_shown, text)


def _shown(found: re.Match[str]) -> str:
    char = found[0]
    code = ord(char)
    return _SHORT.get(char) or (f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}")
