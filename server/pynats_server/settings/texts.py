"""Rules for texts, from a file or from the command line."""

from __future__ import annotations

import re


def is_text(value: str) -> bool:
    """Whether this part of the file was valid UTF-8."""
    return value.isascii() or not any("\ud800" <= char <= "\udfff" for char in value)


def split_host_port(text: str) -> tuple[str, str] | None:
    """The host and port of `host:port` or `[v6]:port`; None for other texts."""
    found = re.fullmatch(r"(?:\[([^\[\]]*)\]|([^:\[\]]*)):([^:\[\]]*)", text)
    if found is None:
        return None
    return found[1] or found[2] or "", found[3]


def shown_key(key: str) -> str:
    """What should be a public key, for a message: it may be a seed."""
    return '"[REDACTED]"' if key[:1] in ("S", "P") else f'"{key}"'
