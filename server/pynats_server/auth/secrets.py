"""Comparing what somebody gives with a configured secret, which is plain text or a bcrypt hash."""

from __future__ import annotations

import hmac
import re

from pynats_common.go.text import bytes_of

# Also a damaged one: who has read the configuration must not come in with what stands there.
_BCRYPT = re.compile(r"\$2[abxy]\$\d\d\$")
_BCRYPT_SIZE = 60  # of a hash; what follows does not count
_BCRYPT_MAX = 72  # bytes of a password that bcrypt reads, likewise


def is_bcrypt(secret: str) -> bool:
    """Whether a configured secret is, or was meant as, a bcrypt hash rather than plain text."""
    return _BCRYPT.match(secret) is not None


def equal(given: str | bytes, expected: str) -> bool:
    """Whether the secret is the plain text, in a time that does not tell where they differ."""
    # A configured secret may hold any bytes.
    wanted = bytes_of(expected)
    return hmac.compare_digest(_bytes_of(given), wanted)


def check_bcrypt(given: str | bytes, hashed: str) -> bool:
    """Whether the hash is that of the secret. Slow on purpose, so call it in a thread."""
    import bcrypt

    try:
        return bcrypt.checkpw(_bytes_of(given)[:_BCRYPT_MAX], hashed.encode()[:_BCRYPT_SIZE])
    except ValueError:
        return False


def _bytes_of(given: str | bytes) -> bytes:
    return given if isinstance(given, bytes) else given.encode("utf-8", "replace")
