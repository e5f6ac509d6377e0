"""Generates docs/reference/configuration.md from the tables.

`python -m pynats_server.settings.document`
"""

from __future__ import annotations

import sys
from collections.abc import Iterator

from pynats_server.settings.described import STATED, default_text, kind_of_value
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

Marks behind a key:

- **↻**: a reload (`pynats-server --signal reload`) applies a changed value; a key inside a block
  follows its block. The others need a restart, and a reload that changes them is refused.
- **+**: PyNATS alone has it; nats-server refuses a file with it.
- *not yet*: it belongs to a part that does not exist yet (clusters, gateways, leaf nodes,
  WebSocket, MQTT); it is refused unless its value turns that part off. *No effect yet*: the key is
  checked, but nothing uses it.

"""

# How a kind of value is written; those that are not here are called what they are.
_KINDS = {
    "switch": "true, false",
    "path": "file or folder",
    "texts": "text, list of texts",
    "map": "map of texts",
    "address": "host:port, port",
    "block or blocks": "block, list of blocks",
    "named blocks": "map of blocks",
}


def document() -> str:
    """The page as Markdown."""
    sections = list(blocks())
    linked = ", ".join(f"[`{name}`](#{slug(name)})" for name, _ in sections if name != TOP)
    tables = "\n".join(line for name, table in sections for line in _section(name, table))
    return f"{HEAD}Blocks: {linked}.\n\n{tables}"


def blocks() -> Iterator[tuple[str, Table]]:
    """Every block of keys and its path, each block once, those inside it behind it."""
    return _blocks(TOP, TOP_LEVEL, set())


def slug(block: str) -> str:
    """The anchor of a block's heading, as Sphinx and GitHub make it."""
    return block.replace(".", "").replace(" ", "-").lower()


def _blocks(title: str, table: Table, shown: set[int]) -> Iterator[tuple[str, Table]]:
    shown.add(id(table))
    yield title, table
    for setting in table.settings:
        if setting.block is not None and id(setting.block) not in shown:
            inner = setting.name if title == TOP else f"{title}.{setting.name}"
            yield from _blocks(inner, setting.block, shown)


def _section(title: str, table: Table) -> Iterator[str]:
    yield f"## {title}\n"
    yield "| key | value | default | meaning |"
    yield "| --- | --- | --- | --- |"
    for setting in table.settings:
        yield _row(setting, table)
    yield ""


def _row(setting: Setting, table: Table) -> str:
    keys = ", ".join(f"`{key}`" for key in (setting.name, *setting.aliases))
    marks = (" +" if setting.ours else "") + (" ↻" if setting.reloadable else "")
    meaning = setting.help.replace("<", "&lt;").replace("|", "\\|")
    if setting.read is None:
        return f"| {keys} | | | {meaning}; *not yet* |"
    default = default_text(setting, table.defaults())
    if default:
        meaning = STATED.sub("", meaning)
    return f"| {keys}{marks} | {_kind(setting)} | {_shown(setting, default)} | {meaning} |"


def _kind(setting: Setting) -> str:
    kind = kind_of_value(setting)
    return _KINDS.get(kind, "size" if _is_size(setting) else kind)


def _is_size(setting: Setting) -> bool:
    return setting.help.startswith("bytes") or setting.name.endswith(("_bytes", "_size"))


def _shown(setting: Setting, default: str) -> str:
    """A default as it is read best: sizes with their unit, where they are whole."""
    if default.isdigit() and int(default) and _is_size(setting):
        for unit, size in (("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)):
            if int(default) % size == 0:
                return f"`{int(default) // size}{unit}`"
    return f"`{default}`" if default else ""


if __name__ == "__main__":
    sys.stdout.write(document())
