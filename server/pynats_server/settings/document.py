"""docs/configuration.md, made from the tables: `python -m pynats_server.settings.document`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

from pynats_server.settings.durations import show_duration
from pynats_server.settings.paths import get_path
from pynats_server.settings.schema import Setting, Table
from pynats_server.settings.top_level import TOP_LEVEL

HEAD = """\
# Configuration

Every key that `pynats-server -c FILE` knows, in the NATS configuration format or, in a file named
`*.toml`, in TOML. Keys are the same in any case. Made from the tables that read the file
(`make docs`); what a key does in the original is described in
[the NATS documentation](https://docs.nats.io/running-a-nats-service/configuration).

*Reload*: `yes` where a running server takes a changed value over; a key inside a block follows
its block. *Not yet* marks keys whose part
of the server is not built: they are refused unless their value switches that part off.

"""


def document() -> str:
    """The page as Markdown."""
    return HEAD + "\n".join(_section("Top level", TOP_LEVEL, set()))


def _section(title: str, table: Table, shown: set[int]) -> Iterator[str]:
    shown.add(id(table))
    yield f"## {title}\n"
    yield "| key | meaning | default | reload |"
    yield "| --- | --- | --- | --- |"
    for setting in table.settings:
        yield _row(setting, table)
    yield ""
    for setting in table.settings:
        if setting.block is not None and id(setting.block) not in shown:
            inner = setting.name if title == "Top level" else f"{title}.{setting.name}"
            yield from _section(inner, setting.block, shown)


def _row(setting: Setting, table: Table) -> str:
    keys = ", ".join(f"`{key}`" for key in (setting.name, *setting.aliases))
    meaning = setting.help.replace("<", "&lt;").replace("|", "\\|")
    if setting.read is None:
        return f"| {keys} | {meaning} | | *not yet* |"
    reload = "yes" if setting.reloadable else ""
    return f"| {keys} | {meaning} | {_default(setting, table.defaults())} | {reload} |"


def _default(setting: Setting, options: Any) -> str:
    try:
        value = get_path(options, setting.path)
    except AttributeError:
        return ""  # it sets other keys
    if setting.store is not None and setting.path.rpartition(".")[2] != setting.name:
        return ""
    if value is None or value == "" or isinstance(value, (list, dict)) or setting.block:
        return ""
    if isinstance(value, bool):
        return "`true`" if value else "`false`"
    return f"`{show_duration(value)}`" if isinstance(value, float) else f"`{value}`"


if __name__ == "__main__":
    sys.stdout.write(document())
