"""Options by dotted path: `log.debug` is the field `debug` of the field `log`."""

from __future__ import annotations

from typing import Any


def get_path(options: Any, path: str) -> Any:
    target = options
    for name in path.split("."):
        target = getattr(target, name)
    return target


def set_path(options: Any, path: str, value: object) -> None:
    parents, _, last = path.rpartition(".")
    setattr(get_path(options, parents) if parents else options, last, value)
