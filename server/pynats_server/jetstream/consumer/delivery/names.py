"""Random parts of subjects."""

from __future__ import annotations

import secrets
import string

_LETTERS = string.ascii_letters + string.digits


def short_id() -> bytes:
    """Four letters: enough to tell a request from the one before it."""
    return "".join(secrets.choice(_LETTERS) for _ in range(4)).encode()
