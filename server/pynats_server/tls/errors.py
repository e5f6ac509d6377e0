"""What can go wrong where TLS is put in force; loaded by those that have none, too."""

from __future__ import annotations


class PlanError(ValueError):
    """A context cannot be made; the text says why, in the words of the real server."""
