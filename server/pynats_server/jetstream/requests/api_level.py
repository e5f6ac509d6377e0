"""The API level that a request or a message asks the server to have (server-inventory 6.5)."""

from __future__ import annotations

import re
from typing import Final

from pynats_server.version import API_LEVEL

REQUIRED_LEVEL: Final = b"Nats-Required-Api-Level"
_INTEGER = re.compile(rb"[+-]?[0-9]{1,18}")


def level_supported(level: bytes) -> bool:
    """Whether this server has the level in the value of a `Nats-Required-Api-Level` header."""
    return _INTEGER.fullmatch(level) is not None and int(level) <= API_LEVEL
