"""All rows by name: K are buckets, O objects."""

from __future__ import annotations

import re

from tests.conformance.consumers.playing import Row
from tests.conformance.stores.rows import buckets, objects

_NAME = re.compile(r"[ko]\d_\w+")

ROWS: dict[str, Row] = {
    name: row
    for module in (buckets, objects)
    for name, row in vars(module).items()
    if _NAME.fullmatch(name)
}
