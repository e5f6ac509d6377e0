"""The keys of a configuration by block: looking one up, and walking to it by a dotted path."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

# Kinds of values below which there are keys of a block; "named blocks" has free names between.
BLOCKS = ("block", "block or blocks", "named blocks", "value or block")


@dataclass(frozen=True, slots=True)
class Key:
    """One key. `path` is the dotted way to it where it is described."""

    name: str
    path: str
    kind: str
    help: str
    aliases: tuple[str, ...] = ()
    default: str = ""
    reload: bool = False
    block: str | None = None  # the block that its value is, if it has keys of its own
    later: bool = False  # nats-server has it, pynats-server not yet


class Block:
    """The keys of one block, found by name or alias in any case."""

    def __init__(self, path: str, keys: tuple[Key, ...]) -> None:
        self.path = path
        self.keys = keys
        self.names = {name: key for key in keys for name in (key.name, *key.aliases)}

    def find(self, word: str) -> Key | None:
        return self.names.get(word) or self.names.get(word.lower())


class Keys:
    """All blocks; the one called "" is the top level."""

    def __init__(self, blocks: dict[str, Block]) -> None:
        self._blocks = blocks

    @property
    def top(self) -> Block:
        return self._blocks[""]

    def block_of(self, key: Key) -> Block | None:
        """The keys below a key."""
        return self._blocks.get(key.block) if key.block is not None else None

    def every(self) -> Iterator[Key]:
        for block in self._blocks.values():
            yield from block.keys

    def follow(self, path: str) -> Key | None:
        """The key at a dotted path (`jetstream.limits.batch`). Names between that are free, such as
        those of accounts, may be there or not."""
        block: Block | None = self.top
        found: Key | None = None
        free = False  # whether the next word may be a free name
        for word in path.split("."):
            key = block.find(word) if block is not None else None
            if key is None:
                if not free:
                    return None
                free = False
                continue
            found, block = key, self.block_of(key)
            free = key.kind == "named blocks"
        return found


@cache
def load_keys() -> Keys:
    """The tables, read once."""
    import tomli

    here = files("pynats_common.serverkeys")
    rows: dict[str, list[dict[str, Any]]] = json.loads(
        here.joinpath("keys.json").read_text(encoding="utf-8")
    )
    more = tomli.loads(here.joinpath("elsewhere.toml").read_text(encoding="utf-8"))
    blocks = {
        path: Block(path, tuple(_key(path, row, more) for row in rows[path])) for path in rows
    }
    for path, entries in more.items():
        if path not in blocks:
            blocks[path] = Block(
                path, tuple(_foreign(path, names, row) for names, row in entries.items())
            )
    return Keys(blocks)


def _key(path: str, row: dict[str, Any], more: dict[str, Any]) -> Key:
    full = f"{path}.{row['name']}" if path else row["name"]
    block, kind = row.get("block"), row["kind"]
    if row.get("later") and full in more:
        block, kind = full, "block"
    return Key(
        name=row["name"],
        path=full,
        kind=kind,
        help=row["help"],
        aliases=tuple(row.get("aliases", ())),
        default=row.get("default", ""),
        reload=bool(row.get("reload")),
        block=block,
        later=bool(row.get("later")),
    )


def _foreign(path: str, names: str, row: list[Any]) -> Key:
    name, *aliases = names.split("|")
    more = row[2] if len(row) > 2 else {}
    return Key(
        name=name,
        path=f"{path}.{name}",
        kind=row[0],
        help=row[1],
        aliases=tuple(aliases),
        default=more.get("default", ""),
        reload=bool(more.get("reload")),
        block=more.get("block"),
        later=True,
    )
