"""The one kind of error a command raises: `main` prints it in one line and exits with 1."""

from __future__ import annotations


class CliError(Exception):
    """A message for the user, without a prefix and without a full stop, and the exit code."""

    def __init__(self, message: str, exit_code: int = 1) -> None:
        super().__init__(message)
        self.exit_code = exit_code


class UsageError(CliError):
    """Bad flags or arguments; `main` adds a pointer to the help of `path`."""

    def __init__(self, message: str, path: tuple[str, ...] = (), exit_code: int = 1) -> None:
        super().__init__(message, exit_code)
        self.path = path
