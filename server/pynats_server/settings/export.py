"""The tables of keys as data, for tools that do not import the server (`make docs`).

`python -m pynats_server.settings.export > common/pynats_common/serverkeys/keys.json`
"""

from __future__ import annotations

import json
import sys
from typing import Any

from pynats_server.settings.described import default_text, kind_of_value
from pynats_server.settings.schema import Setting, Table
from pynats_server.settings.top_level import TOP_LEVEL


def export() -> dict[str, list[dict[str, Any]]]:
    """Rows by the dotted name of their block, "" = the top level."""
    blocks: dict[str, list[dict[str, Any]]] = {}
    _add("", TOP_LEVEL, blocks, {})
    return blocks


def _add(
    name: str, table: Table, blocks: dict[str, list[dict[str, Any]]], known: dict[int, str]
) -> None:
    known[id(table)] = name
    rows = blocks[name] = [_row(setting, table) for setting in table.settings]
    for setting, row in zip(table.settings, rows, strict=True):
        block = setting.block
        if block is None:
            continue
        if id(block) not in known:  # as in the documentation, the first place is its own
            _add(f"{name}.{setting.name}" if name else setting.name, block, blocks, known)
        row["block"] = known[id(block)]


def _row(setting: Setting, table: Table) -> dict[str, Any]:
    row: dict[str, Any] = {"name": setting.name, "help": setting.help}
    row["kind"] = kind_of_value(setting)
    if setting.aliases:
        row["aliases"] = list(setting.aliases)
    if setting.read is None:
        row["later"] = True  # pynats-server has no such part yet
    elif default := default_text(setting, table.defaults()):
        row["default"] = default
    if setting.reloadable:
        row["reload"] = True
    return row


if __name__ == "__main__":
    sys.stdout.write(json.dumps(export(), indent=1) + "\n")
