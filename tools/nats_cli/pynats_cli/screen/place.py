"""The context in which the user is asked: its name stands before every question."""

from __future__ import annotations

from collections.abc import Callable

_find: Callable[[], str] | None = None


def set_context(find: Callable[[], str]) -> None:
    """`find` is called with the first question, and gives the name, or nothing."""
    global _find
    _find = find


def context() -> str:
    return _find() if _find is not None else ""
