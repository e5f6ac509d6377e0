"""What the operating system refused, in Go's words: those of the C library in small letters."""

from __future__ import annotations

import os


def error_text(error: OSError | UnicodeError) -> str:
    """`no such file or directory`, `permission denied`, ...

    A host name that cannot even be asked for (UnicodeError) is `no such host`.
    """
    if isinstance(error, UnicodeError):
        return "no such host"
    return (error.strerror or str(error)).lower()


def errno_text(code: int) -> str:
    """The same for a bare number, for errors whose text somebody else has written."""
    return os.strerror(code).lower()
