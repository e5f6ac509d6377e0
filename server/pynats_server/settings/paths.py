"""Options by dotted path: `log.debug` is the field `debug` of the field `log`."""

from __future__ import annotations

from typing import Any

from pynats_server.options import Options


def get_path(options: Options, path: str) -> Any:
    target: Any = options
    for name in path.split("."):
        target = getattr(target, name)
    return target


def set_path(options: Options, path: str, value: object) -> None:
    *parents, last = path.split(".")
    target: Any = options
    for name in parents:
        target = getattr(target, name)
    setattr(target, last, value)
