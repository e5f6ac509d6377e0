"""Whether a JWT may be shown: a bearer token is as good as a password."""

from __future__ import annotations

import base64
import binascii
import re

_BEARER = re.compile(rb'"bearer_token"\s*:\s*true', re.IGNORECASE)


def is_bearer(token: str) -> bool:
    """Whether a text that may be a JWT says that whoever holds it is its user. In doubt it does:
    what is no JWT may be anything, a password in the wrong field for example."""
    parts = token.split(".")
    if len(parts) != 3:
        return True
    body = parts[1].replace("\n", "").replace("\r", "")
    try:
        payload = base64.urlsafe_b64decode(body + "=" * (-len(body) % 4))
    except (binascii.Error, ValueError):
        return True
    return b"\\" in payload or _BEARER.search(payload) is not None
