"""Data as JSON, JSON lines, CSV and YAML.

CSV flattens: a list of objects becomes a row for each, with the columns of all of them and names of
nested fields joined by dots; one object becomes one row; other lists become one column.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any


def encoded(form: str, data: Any) -> str:
    """Text of the data in one of the forms `json`, `jsonl`, `csv`, `yaml`, with a final newline."""
    return {"json": _json, "jsonl": _lines, "csv": _csv, "yaml": _yaml}[form](data)


def _json(data: Any) -> str:
    return json.dumps(data, indent=2, ensure_ascii=False) + "\n"


def _lines(data: Any) -> str:
    items = data if isinstance(data, list) else [data]
    return "".join(json.dumps(item, ensure_ascii=False) + "\n" for item in items)


def _csv(data: Any) -> str:
    import csv
    import io

    items = data if isinstance(data, list) else [data]
    rows = [dict(_flat(item)) for item in items]
    columns = list(dict.fromkeys(name for row in rows for name in row))
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, columns, restval="", lineterminator="\n")
    if columns:
        writer.writeheader()
    writer.writerows(rows)
    return buffer.getvalue()


def _flat(value: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _flat(item, f"{name}.{key}" if name else str(key))
    elif isinstance(value, list):
        yield name or "value", json.dumps(value, ensure_ascii=False)
    else:
        yield name or "value", _cell(value)


def _cell(value: Any) -> Any:
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else value


def _yaml(data: Any) -> str:
    import io

    from ruamel.yaml import YAML

    writer = YAML(typ="safe", pure=True)
    writer.default_flow_style = False
    writer.sort_base_mapping_type_on_output = False  # type: ignore[assignment]
    buffer = io.StringIO()
    writer.dump(data, buffer)
    return buffer.getvalue()
