"""How protocol traffic looks in the log: payloads quoted and cut, credentials masked."""

from __future__ import annotations

import json
import re
from typing import Any

MASK = "[REDACTED]"
# CONNECT fields that let somebody in, or prove who somebody is.
SECRET_FIELDS = frozenset({"pass", "password", "auth_token", "token", "jwt", "sig", "nkey_seed"})

_ESCAPES = {'"': '\\"', "\\": "\\\\", "\a": "\\a", "\b": "\\b", "\f": "\\f"}
_ESCAPES |= {"\n": "\\n", "\r": "\\r", "\t": "\\t", "\v": "\\v"}
_URL_USER = re.compile(r"(://)[^/@\s]+@")


def quote(data: bytes) -> str:
    """`data` between double quotes, readable where it is text, escaped where it is not."""
    text = data.decode("utf-8", "surrogateescape")
    if text.isprintable() and '"' not in text and "\\" not in text:
        return f'"{text}"'
    return '"' + "".join(map(_escaped, text)) + '"'


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


def payload_text(payload: bytes, limit: int = 0) -> str:
    """`["…"]` for a trace line; at most `limit` bytes of the payload where that is above 0."""
    if 0 < limit < len(payload):
        return f'[{quote(payload[:limit])[:-1]}..."]'
    return f"[{quote(payload)}]"


def redact_connect(arguments: bytes) -> str:
    """The argument of CONNECT without its secrets; nothing of it if it is not a JSON object."""
    try:
        fields = json.loads(arguments)
    except (ValueError, RecursionError):
        return MASK
    if not isinstance(fields, dict):
        return MASK
    masked: dict[str, Any] = {
        key: MASK if key.lower() in SECRET_FIELDS and value else value
        for key, value in fields.items()
    }
    return json.dumps(masked, separators=(",", ":"))


def redact_url(url: str) -> str:
    """`url` with user and password masked."""
    return _URL_USER.sub(rf"\g<1>{MASK}@", url)
