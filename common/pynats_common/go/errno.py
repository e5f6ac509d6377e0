"""Go's texts of system errors: those of the C library in lower case."""

from __future__ import annotations

import os


def error_text(error: OSError | UnicodeError) -> str:
    """`no such file or directory`, `permission denied`, ...

    An invalid host name (UnicodeError) is `no such host`.
    """
    if isinstance(error, UnicodeError):
        return "no such host"
    return (error.strerror or str(error)).lower()


def errno_text(code: int) -> str:
    """The same for an error number, for errors with a text from other code."""
    return os.strerror(code).lower()
