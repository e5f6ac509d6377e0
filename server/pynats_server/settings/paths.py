"""Options by dotted path: `log.debug` is the field `debug` of the field `log`."""

from __future__ import annotations

from typing import Any


def get_path(options: Any, path: str) -> Any:
    target = options
    for name in path.split("."):
        target = getattr(target, name)
    return target


def set_path(options: Any, path: str, value: object) -> None:
    *parents, last = path.split(".")
    target = options
    for name in parents:
        target = getattr(target, name)
    setattr(target, last, value)
