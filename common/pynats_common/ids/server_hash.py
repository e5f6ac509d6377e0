"""The short names of servers and clusters, in the letters of a NUID."""

from __future__ import annotations

import hashlib

from pynats_common.ids.nuid import ALPHABET


def server_hash(text: str, length: int = 8) -> str:
    """As nats-server has it: a byte of the SHA-256 of an id or a name for each letter."""
    digest = hashlib.sha256(text.encode()).digest()
    return "".join(ALPHABET[byte % len(ALPHABET)] for byte in digest[:length])
