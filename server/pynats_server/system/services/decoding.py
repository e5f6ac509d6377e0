"""The body of a request: JSON to options and a filter."""

from __future__ import annotations

from typing import Any, Final

from pynats_server.said.objects import FLAG, TEXT, TEXTS, Fields, decode_fields
from pynats_server.system.services.filters import Filter

_FILTER: Final[Fields] = {
    "server_name": ("server_name", TEXT),
    "cluster": ("cluster", TEXT),
    "host": ("host", TEXT),
    "exact_match": ("exact_match", FLAG),
    "tags": ("tags", TEXTS),
    "domain": ("domain", TEXT),
}


def decode(body: bytes, type_: str, fields: Fields) -> tuple[dict[str, Any], Filter]:
    """The values of `fields` in the body, and the filter. `type_` is what complaints call it.
    Raises BadBody."""
    known = {**fields, **_FILTER}
    values = decode_fields(body, type_, known) if body else {}
    filters = {name: values.pop(name) for name in _FILTER if name in values}
    return values, Filter(**filters)
