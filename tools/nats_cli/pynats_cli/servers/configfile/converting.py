"""`convert`: a configuration in another form, with the same values and, where it can, comments."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from pynats_common.config import ConfigError, Position
from pynats_common.config.source import Source
from pynats_common.files import read_whole
from pynats_common.go.errno import error_text
from pynats_common.serverkeys import Block, Key, load_keys
from pynats_common.sizes import parse_size

from pynats_cli.servers.configfile.nats_reading import plain_of, read_nats, settle
from pynats_cli.servers.configfile.nats_writing import write_nats
from pynats_cli.servers.configfile.tree import Branch, Entry, Leaf, Noted, Row, Value

FORMS = ("nats", "toml", "yaml", "json")
_ENDINGS = {".toml": "toml", ".yaml": "yaml", ".yml": "yaml", ".json": "json"}


def form_of(path: str) -> str:
    """The form of a file by its ending; the NATS grammar if it has no other."""
    return _ENDINGS.get(Path(path).suffix.lower(), "nats")


@dataclass
class Converted:
    """The text, and what to tell of it."""

    text: str
    notes: list[str] = field(default_factory=list)


def convert(
    text: str, file: str, source: str, target: str, environ: Mapping[str, str]
) -> Converted:
    """`text` of the form `source` in the form `target`. Raises `ConfigError`."""
    notes: list[str] = []
    tree = read_form(text, file, source)
    if source == "nats" and target != "nats":
        tree = _settled(tree, text, file, environ, notes)
    if target == "nats" and source != "nats":
        _spell_sizes(tree, load_keys().top)
    try:
        made = _write(tree, target, notes)
    except ValueError as error:
        raise ConfigError(f"{file}: {error}") from None
    _must_be_the_same(tree, made, file, source, target)
    return Converted(made, notes)


def read_form(text: str, file: str, form: str) -> Branch:
    """The tree of a text of any form. Raises `ConfigError`."""
    if form == "toml":
        from pynats_cli.servers.configfile.toml_form import read_toml

        return read_toml(text, file)
    if form == "yaml":
        from pynats_cli.servers.configfile.yaml_form import read_yaml

        return read_yaml(text, file)
    return read_nats(text, file)  # JSON is a part of the NATS grammar


def _write(tree: Branch, form: str, notes: list[str]) -> str:
    if form == "nats":
        return write_nats(tree)
    if form == "yaml":
        from pynats_cli.servers.configfile.yaml_form import write_yaml

        return write_yaml(tree)
    if form == "toml":
        from pynats_cli.servers.configfile.toml_form import TomlWriter

        writer = TomlWriter()
        made = writer.write(tree)
        if writer.lost:
            notes.append(f"{writer.lost} comments within inline tables have no place in TOML")
        return made
    if lost := _comments_in(tree):
        notes.append(f"{lost} comments have no place in JSON")
    return json.dumps(plain_of(tree), indent=2, ensure_ascii=False, default=_json_date) + "\n"


def _json_date(value: object) -> str:
    assert isinstance(value, datetime)
    return f"{value:%Y-%m-%dT%H:%M:%SZ}"


def _comments_in(value: Value) -> int:
    if isinstance(value, Leaf):
        return 0
    parts: list[Entry] | list[Any] = value.entries if isinstance(value, Branch) else value.items
    own = sum(map(bool, value.tail))
    return own + sum(_notes(part) + _comments_in(part.value) for part in parts)


def _notes(noted: Noted) -> int:
    return sum(map(bool, (*noted.before, noted.behind, noted.inside)))


# -- variables and included files ---------------------------------------------------------


def _settled(
    tree: Branch, text: str, file: str, environ: Mapping[str, str], notes: list[str]
) -> Branch:
    included: list[str] = []
    include = _includer(file, environ, included, (os.path.realpath(file),))
    names = settle(tree, Source(text, file), environ, include)
    keys = load_keys().top
    # What only defines a variable is an unknown key elsewhere.
    tree.entries = [e for e in tree.entries if e.name not in names or keys.find(e.name)]
    if names:
        notes.append(f"variables are replaced by their values: {', '.join(names)}")
    if included:
        notes.append(f"included files are part of the result: {', '.join(included)}")
    return tree


def _includer(
    file: str, environ: Mapping[str, str], included: list[str], chain: tuple[str, ...]
) -> Callable[[str, Position], Branch]:
    def include(name: str, where: Position) -> Branch:
        target = Path(file).parent / name.lstrip("/")
        real = os.path.realpath(target)
        if real in chain:
            raise ConfigError(f"error parsing include file '{name}', it includes itself", where)
        try:
            text = read_whole(target).decode()
        except OSError as error:
            raise ConfigError(
                f"error parsing include file '{name}', open {target}: {error_text(error)}", where
            ) from None
        included.append(name)
        tree = read_nats(text, str(target))
        inner = _includer(str(target), environ, included, (*chain, real))
        settle(tree, Source(text, str(target)), environ, inner)
        return tree

    return include


# -- sizes --------------------------------------------------------------------------------


def _spell_sizes(value: Value, block: Block | None) -> None:
    """Texts such as "10MB" are numbers in TOML and YAML, where there are no units; the NATS grammar
    has units, and a text would be refused. There, `10M` would be ten million."""
    keys = load_keys()
    if isinstance(value, Row):
        for item in value.items:
            _spell_sizes(item.value, block)
    if not isinstance(value, Branch):
        return
    for entry in value.entries:
        key = block.find(entry.name) if block is not None else None
        inner = keys.block_of(key) if key is not None else None
        if key is not None and key.kind == "named blocks" and isinstance(entry.value, Branch):
            for named in entry.value.entries:
                _spell_sizes(named.value, inner)
            continue
        if key is not None and isinstance(entry.value, Leaf):
            _spell_size(entry.value, key)
        _spell_sizes(entry.value, inner)


def _spell_size(leaf: Leaf, key: Key) -> None:
    if key.kind not in ("size", "number") or not isinstance(leaf.value, str):
        return
    try:
        size = parse_size(leaf.value)
    except ValueError:
        return
    if size < 0:
        return
    unit = leaf.value.strip().lstrip("0123456789").strip().upper()
    digits = leaf.value.strip()[: len(leaf.value.strip()) - len(unit)].strip()
    whole = digits.isdecimal() and unit and unit != "B"
    leaf.value, leaf.raw = size, f"{digits}{unit[0]}B" if whole else str(size)


def _must_be_the_same(tree: Branch, made: str, file: str, source: str, target: str) -> None:
    """Raises `ConfigError` if the text reads as anything else."""
    if source == target == "nats":
        return
    before, after = plain_of(tree), None
    if target == "json":
        before, after = json.loads(json.dumps(before, default=_json_date)), json.loads(made)
    else:
        after = plain_of(read_form(made, file, target))
    if after != before:
        raise ConfigError(f"{file} cannot be written as {target} without changing what it means")
