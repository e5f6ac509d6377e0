"""What texts must look like, whether they stand in a file or on the command line."""

from __future__ import annotations

import re


def is_text(value: str) -> bool:
    """Whether the file had nothing but UTF-8 there."""
    return value.isascii() or not any("\ud800" <= char <= "\udfff" for char in value)


def split_host_port(text: str) -> tuple[str, str] | None:
    """`host:port` or `[v6]:port` taken apart; None if `text` is neither."""
    found = re.fullmatch(r"(?:\[([^\[\]]*)\]|([^:\[\]]*)):([^:\[\]]*)", text)
    if found is None:
        return None
    return found[1] or found[2] or "", found[3]
