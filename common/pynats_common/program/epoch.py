"""$SOURCE_DATE_EPOCH: the time of what is built, said by packagers who want the same files each
time (https://reproducible-builds.org/specs/source-date-epoch/)."""

from __future__ import annotations

import os
from typing import Final

_DIGITS_MAX: Final = 11  # of seconds: up to the year 5138


class EpochError(ValueError):
    """The time that was given is none."""


def given_epoch() -> int | None:
    """Seconds since 1970, or None where nobody says. Raises EpochError."""
    given = os.environ.get("SOURCE_DATE_EPOCH", "")
    if not given:
        return None
    if not (given.isascii() and given.isdigit() and len(given) <= _DIGITS_MAX):
        raise EpochError(f"$SOURCE_DATE_EPOCH: {given!r} is no number of seconds")
    return int(given)
