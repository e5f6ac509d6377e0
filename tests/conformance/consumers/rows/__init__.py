"""All rows by name. A name begins with the letter of its subject."""

from __future__ import annotations

import re
from types import ModuleType

from tests.conformance.consumers.playing import Row
from tests.conformance.consumers.rows import (
    acks,
    asking,
    groups,
    lifetime,
    mixed,
    origins,
    pinning,
    places,
    pushing,
    redelivery,
    restarts,
    spent,
    streams,
    subjects,
    waiting,
)

MODULES = (
    asking, waiting, acks, redelivery, pushing, groups, pinning, places, streams, origins, lifetime,
    restarts, mixed, subjects, spent,
)  # fmt: skip
_NAME = re.compile(r"[a-v]\d*_\w+")


def _rows_of(module: ModuleType) -> dict[str, Row]:
    found = {
        name: row
        for name, row in vars(module).items()
        if _NAME.fullmatch(name) and getattr(row, "__module__", "") == module.__name__
    }
    return found | getattr(module, "TABLE", {})


ROWS: dict[str, Row] = {}
for _module in MODULES:
    for _name, _row in _rows_of(_module).items():
        assert _name not in ROWS, _name
        ROWS[_name] = _row
