"""`lint`: what is wrong in a configuration file, as far as it can be seen without a server.

Keys and the kinds of their values come from the table of keys; what is unsafe is in `unsafe`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from pynats_common.commandline.suggest import did_you_mean
from pynats_common.config import (
    ConfigError,
    Node,
    NodeMap,
    Position,
    kind_of,
    parse,
    parse_toml,
)
from pynats_common.config.source import Source
from pynats_common.files import read_whole
from pynats_common.go.durations import parse_duration_s
from pynats_common.go.errno import error_text
from pynats_common.go.text import raw_text
from pynats_common.serverkeys import Block, Key, Keys, load_keys

from pynats_cli.servers.configfile.findings import Findings
from pynats_cli.servers.configfile.nats_reading import AnyVariable, read_nats
from pynats_cli.servers.configfile.tree import Branch, Row, Value
from pynats_cli.servers.configfile.unsafe import look_for_unsafe

# Seconds, perhaps with a fraction, are the usual spelling of these.
_SECONDS = frozenset({"timeout", "leeway", "refresh", "retry", "ca_timeout", "allowed_clockskew"})

# Blocks in which servers ignore what they do not know.
_IGNORING = frozenset({"resolver"})


class _Environment(AnyVariable):
    """The environment; a variable that is not set here may be where the server runs."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ

    def __getitem__(self, name: str) -> str:
        return self._environ.get(name, "0")


def lint(text: str, file: str, environ: Mapping[str, str]) -> Findings:
    """All that is wrong in a text, in its order. TOML by the name of the file."""
    findings = Findings()
    is_toml = file.lower().endswith(".toml")
    try:
        entries = parse_toml(text, file=file) if is_toml else _parse(text, file, environ, ())
    except ConfigError as error:
        findings.error(error.position or Position(file, 1, 1), "syntax", error.message)
        return findings
    keys = load_keys()
    _Walk(findings, keys).block(entries, keys.top, "")
    look_for_unsafe(entries, findings)
    if not is_toml:
        _doubled(read_nats(text, file), Source(text, file), findings)
    findings.sort()
    return findings


def _parse(text: str, file: str, environ: Mapping[str, str], chain: tuple[str, ...]) -> NodeMap:
    chain = (*chain, os.path.realpath(file))

    def include(name: str, where: Position) -> NodeMap:
        target = str(Path(file).parent / name.lstrip("/"))
        if os.path.realpath(target) in chain:
            raise ConfigError(f"error parsing include file '{name}', it includes itself", where)
        try:
            inner = raw_text(read_whole(target))
        except OSError as error:
            message = f"error parsing include file '{name}', open {target}: {error_text(error)}"
            raise ConfigError(message, where) from None
        return _parse(inner, target, environ, chain)

    return parse(text, file=file, environ=_Environment(environ), include=include)


class _Walk:
    """Looks at each key and the kind of its value."""

    def __init__(self, findings: Findings, keys: Keys) -> None:
        self._found = findings
        self._keys = keys

    def block(self, entries: NodeMap, block: Block, path: str) -> None:
        seen: dict[str, str] = {}
        for word, node in entries.items():
            key = block.find(word)
            if key is None:
                if not node.used:
                    self._unknown(word, node, block, path)
                continue
            if key.name in seen and seen[key.name] != word:
                self._found.warn(
                    node.position, "same-key", f'"{word}" and "{seen[key.name]}" are the same key'
                )
            seen[key.name] = word
            if key.help.startswith("deprecated"):
                self._found.warn(node.position, "deprecated", f'"{word}" is {key.help}')
            self._value(key, word, node, f"{path}.{word}" if path else word)

    def _unknown(self, word: str, node: Node, block: Block, path: str) -> None:
        within = f' in "{path}"' if path else ""
        similar = did_you_mean(word, block.names)
        complain = self._found.warn if block.path in _IGNORING else self._found.error
        complain(node.position, "unknown-key", f'unknown field "{word}"{within}{similar}')

    def _value(self, key: Key, word: str, node: Node, path: str) -> None:
        inner = self._keys.block_of(key)
        value = node.value
        if inner is None:
            if not node.source.text.startswith("value=") and not _may_be_variable(node):
                self._kind(key, word, node)
            return
        if key.kind == "block" and not isinstance(value, dict):
            if _may_be_variable(node) or key.later:
                return
            self._found.error(
                node.position, "kind", f'"{word}" must be a block, got {_a(kind_of(value))}'
            )
        elif key.kind == "named blocks" and isinstance(value, dict):
            for name, named in value.items():
                if not named.used:  # it may only define a variable
                    self._blocks(named, inner, f"{path}.{name}")
        else:
            self._blocks(node, inner, path)

    def _blocks(self, node: Node, inner: Block, path: str) -> None:
        """A block, or each one of a list."""
        if isinstance(node.value, dict):
            self.block(node.value, inner, path)
        elif isinstance(node.value, list):
            for item in node.value:
                self._blocks(item, inner, path)

    def _kind(self, key: Key, word: str, node: Node) -> None:
        value = node.value
        wrong = ""
        match key.kind:
            case "switch":
                wrong = "" if isinstance(value, bool) else "true or false"
            case "number" | "port":
                wrong = "" if _is_whole(value) or isinstance(value, str) else "a whole number"
                if isinstance(value, str) and not _is_whole_text(value):
                    wrong = "a whole number"
            case "size":
                wrong = "" if _is_whole(value) or isinstance(value, str) else "a size"
            case "text" | "path":
                wrong = "a string" if isinstance(value, (dict, bool)) else ""
            case "texts" | "map":
                wrong = "a list" if isinstance(value, bool) else ""
            case "duration":
                wrong = self._duration(key, word, node)
        if wrong:
            self._found.error(
                node.position, "kind", f'"{word}" must be {wrong}, got {_a(kind_of(value))}'
            )

    def _duration(self, key: Key, word: str, node: Node) -> str:
        value = node.value
        if isinstance(value, str):
            if key.name == "sync_interval" and value.lower() == "always":
                return ""
            try:
                parse_duration_s(value)
            except ValueError:
                self._found.error(
                    node.position, "kind", f'"{word}" must be a duration such as "30s"'
                )
            return ""
        if not isinstance(value, (int, float)) or isinstance(value, bool):
            return 'a duration such as "30s"'
        if key.name not in _SECONDS:
            self._found.warn(
                node.position,
                "deprecated",
                f'"{word}" should be converted to a duration: "{value}s"',
            )
        return ""


def _may_be_variable(node: Node) -> bool:
    """Whether the text at the place is a `$NAME`: what it is depends on where the server runs."""
    text = node.source.text
    end = text.find("\n", node.offset)
    line = text[node.offset : end if end >= 0 else len(text)]
    return "$" in line


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_whole_text(text: str) -> bool:
    digits = text.strip().rstrip("kmgtpebiKMGTPEBI").strip()
    return digits.removeprefix("-").isdecimal()


def _a(kind: str) -> str:
    return f"{'an' if kind[0] in 'aeiou' else 'a'} {kind}"


def _doubled(value: Value, source: Source, findings: Findings) -> None:
    """Keys that stand twice in one block: only the last one counts."""
    if isinstance(value, Row):
        for item in value.items:
            _doubled(item.value, source, findings)
    if not isinstance(value, Branch):
        return
    first: dict[str, int] = {}
    for entry in value.entries:
        if not entry.is_include:
            where = source.position(entry.offset)
            if entry.name in first:
                findings.warn(
                    where,
                    "doubled-key",
                    f'"{entry.name}" was set on line {first[entry.name]} already: '
                    "only the last one counts",
                )
            first[entry.name] = where.line
        _doubled(entry.value, source, findings)
