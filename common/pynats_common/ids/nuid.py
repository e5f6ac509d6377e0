"""Ids in the form of a NUID: 22 digits and letters.

https://github.com/nats-io/nuid describes the form. These are drawn whole from the source of chance
of the system, so that none follows from another.
"""

from __future__ import annotations

import secrets
import string
from typing import Final

ALPHABET: Final = string.digits + string.ascii_uppercase + string.ascii_lowercase
LENGTH: Final = 22
_BYTES = 20  # more than 22 letters hold, so that they are evenly spread


def new_nuid() -> str:
    """An id that nobody else has."""
    # One system call: each lets other threads take the interpreter.
    number = int.from_bytes(secrets.token_bytes(_BYTES))
    letters = []
    for _ in range(LENGTH):
        number, letter = divmod(number, len(ALPHABET))
        letters.append(ALPHABET[letter])
    return "".join(letters)
