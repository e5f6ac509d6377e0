"""Generates docs/reference/configuration.md from the tables.

`python -m pynats_server.settings.document`
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

from pynats_common.go.durations import format_duration_s

from pynats_server.settings.paths import get_path
from pynats_server.settings.schema import Setting, Table
from pynats_server.settings.top_level import TOP_LEVEL

TOP = "Top level"
HEAD = """\
# Configuration

Every key that `pynats-server -c FILE` knows, in the NATS configuration format or, in a file named
`*.toml`, in TOML. Keys are the same in any case. Made from the tables that read the file
(`make docs`); what a key does in the original is described in
[the NATS documentation](https://docs.nats.io/running-a-nats-service/configuration).

Durations are texts with a unit: `"30s"`, `"1m30s"`. Quote them, because `2m` without quotes is two
million. Sizes are bytes; in the NATS format they may have a unit: `10M` is ten million, `10MB` and
`10MiB` are 10 * 1024 * 1024, all without quotes. In TOML sizes with units are texts, and the units
always those of 1024: `"10M"`, `"10MB"`, `"10MiB"`. In the NATS format only the sizes in `jetstream`
(not those of an account) can be texts, ending in `K`, `M`, `G` or `T`.

*Reload*: `yes` if a running server applies a changed value; a key inside a block follows its block.
*Not yet* marks keys of parts that do not exist yet: they are refused unless their value turns that
part off. *No effect yet*: the key is checked, but nothing uses it.

"""


def document() -> str:
    """The page as Markdown."""
    return HEAD + "\n".join(line for title, table in blocks() for line in _section(title, table))


def blocks() -> Iterator[tuple[str, Table]]:
    """Every block of keys and its path, each block once, those inside it behind it."""
    return _blocks(TOP, TOP_LEVEL, set())


def _blocks(title: str, table: Table, shown: set[int]) -> Iterator[tuple[str, Table]]:
    shown.add(id(table))
    yield title, table
    for setting in table.settings:
        if setting.block is not None and id(setting.block) not in shown:
            inner = setting.name if title == TOP else f"{title}.{setting.name}"
            yield from _blocks(inner, setting.block, shown)


def _section(title: str, table: Table) -> Iterator[str]:
    yield f"## {title}\n"
    yield "| key | meaning | default | reload |"
    yield "| --- | --- | --- | --- |"
    for setting in table.settings:
        yield _row(setting, table)
    yield ""


def _row(setting: Setting, table: Table) -> str:
    keys = ", ".join(f"`{key}`" for key in (setting.name, *setting.aliases))
    meaning = setting.help.replace("<", "&lt;").replace("|", "\\|")
    if setting.read is None:
        return f"| {keys} | {meaning} | | *not yet* |"
    reload = "yes" if setting.reloadable else ""
    default = default_text(setting, table.defaults())
    return f"| {keys} | {meaning} | {f'`{default}`' if default else ''} | {reload} |"


def default_text(setting: Setting, options: Any) -> str:
    """The value without the key, "" if there is none worth a word."""
    try:
        value = get_path(options, setting.path)
    except AttributeError:
        return ""  # it sets other keys
    if setting.store is not None and setting.path.rpartition(".")[2] != setting.name:
        return ""
    if value is None or value == "" or isinstance(value, (list, dict)) or setting.block:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return format_duration_s(value) if isinstance(value, float) else str(value)


if __name__ == "__main__":
    sys.stdout.write(document())
