"""The one kind of error a command raises: `main` prints it in one line and exits with 1."""

from __future__ import annotations


class CliError(Exception):
    """A message for the user, without a prefix and without a full stop."""


class UsageError(CliError):
    """Bad flags or arguments; `main` adds a pointer to the help."""
