"""Why a JWT of an account does not count."""

from __future__ import annotations

VALIDATION_FAILED = "account validation failed"
EXPIRED = "account expired"


class ClaimsError(ValueError):
    """The text is the real server's."""
