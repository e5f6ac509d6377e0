"""The fingerprint of a configuration.

Equal to the real server's: SHA-256 over the compact JSON text that Go's encoder makes of the
value tree (keys sorted, `<>&` and line separators escaped, a newline at the end).
"""

from __future__ import annotations

import hashlib
import json
import re
from json.encoder import encode_basestring as _quoted  # escapes what every encoder of JSON does
from operator import methodcaller

from pynats_common.config.values import NodeMap, NodeValue

# What Go's encoder escapes besides. All of it can only be in texts.
_ESCAPED = re.compile("[<>&\u2028\u2029\ud800-\udfff]")
_as_bytes = methodcaller("encode", "utf-8", "surrogateescape")


def config_digest(entries: NodeMap) -> str:
    """`sha256:<hex>` of a parsed document."""
    text = _ESCAPED.sub(_escape, _encode(entries)) + "\n"
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


def _encode(value: NodeValue) -> str:
    if isinstance(value, dict):
        fields = []
        for key in sorted(value, key=_as_bytes):
            inner = value[key].value
            shown = _quoted(inner) if type(inner) is str else _encode(inner)  # most are strings
            fields.append(f"{_quoted(key)}:{shown}")
        return "{" + ",".join(fields) + "}"
    if isinstance(value, list):
        return "[" + ",".join([_encode(node.value) for node in value]) + "]"
    match value:
        case str():
            return _quoted(value)
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case float():
            return _encode_float(value)
    return f'"{value:%Y-%m-%dT%H:%M:%SZ}"'


def _escape(found: re.Match[str]) -> str:
    char = found[0]
    if "\ud800" <= char <= "\udfff":  # a byte that was not UTF-8
        return "\ufffd"
    return f"\\u{ord(char):04x}"


def _encode_float(number: float) -> str:
    """Shortest digits, plain notation between 1e-6 and 1e21, as ECMAScript writes numbers."""
    from decimal import Decimal  # takes a while, and floats are rare

    if number == 0:
        return "-0" if str(number).startswith("-") else "0"
    if 1e-6 <= abs(number) < 1e21:
        text = format(Decimal(repr(number)), "f")
        return text.rstrip("0").rstrip(".") if "." in text else text
    mantissa, _, exponent = json.dumps(number).partition("e")
    if not exponent:
        mantissa, _, exponent = format(Decimal(repr(number)).normalize(), "e").partition("e")
    sign = "-" if exponent.startswith("-") else "+"
    return f"{mantissa.removesuffix('.0')}e{sign}{exponent.lstrip('+-').lstrip('0')}"
