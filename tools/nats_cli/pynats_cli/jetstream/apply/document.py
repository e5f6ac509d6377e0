"""The file: YAML, TOML, JSON or the NATS grammar, each complaint with its place."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

from pynats_common.commandline.suggest import did_you_mean
from pynats_common.config import ConfigError, Node, NodeMap, Position, kind_of, parse, parse_toml
from pynats_common.config.source import Source
from pynats_common.files import read_whole
from pynats_common.go.errno import error_text

from pynats_cli.errors import CliError
from pynats_cli.jetstream.apply import fields
from pynats_cli.servers.configfile.tree import Branch, Reference, Row, Value

DEFAULT_SET = "default"
_TOP = ("name", "streams", "kv", "objects")
_FORMS = {".toml": "toml", ".yaml": "yaml", ".yml": "yaml"}


@dataclass
class Declared:
    """A stream or consumer that should be there. `config` is the API's, of declared fields only."""

    kind: str  # stream, kv, object, consumer
    name: str
    config: dict[str, Any]
    position: Position
    stream: str = ""  # of a consumer

    @property
    def title(self) -> str:
        return f"{self.kind} {self.stream} > {self.name}" if self.stream else (
            f"{self.kind} {self.name}"
        )  # fmt: skip

    @property
    def stream_name(self) -> str:
        return str(self.config["name"])


@dataclass
class Document:
    """What a file declares. `set` is whose marks it makes and heeds."""

    set: str = DEFAULT_SET
    streams: list[Declared] = field(default_factory=list)
    consumers: list[Declared] = field(default_factory=list)


def read_document(path: str) -> Document:
    """The declarations of a file. Raises CliError with the place of what is wrong."""
    try:
        text = read_whole(path).decode()
    except OSError as error:
        raise CliError(f"open {path}: {error_text(error)}") from None
    except UnicodeDecodeError:
        raise CliError(f"{path} is not UTF-8 text") from None
    try:
        return _Reader().document(_entries(text, path))
    except ConfigError as error:
        raise CliError(str(error)) from None


def _entries(text: str, path: str) -> NodeMap:
    form = _FORMS.get(Path(path).suffix.lower(), "nats")
    if form == "toml":
        return parse_toml(text, file=path)
    if form == "nats":
        return parse(text, file=path)
    from pynats_cli.servers.configfile.yaml_form import read_yaml

    value = _node_value(read_yaml(text, path), Source(text, path))
    assert isinstance(value, dict)
    return value


def _node_value(value: Value, source: Source) -> Any:
    if isinstance(value, Branch):
        return {
            entry.name: Node(_node_value(entry.value, source), source, entry.offset)
            for entry in value.entries
        }
    if isinstance(value, Row):
        return [Node(_node_value(item.value, source), source, item.offset) for item in value.items]
    assert not isinstance(value.value, Reference)
    return value.value


class _Reader:
    def __init__(self) -> None:
        self._document = Document()
        self._seen: dict[str, Position] = {}

    def document(self, entries: NodeMap) -> Document:
        document = self._document
        for key, node in entries.items():
            if key not in _TOP:
                _fail(node, f'unknown field "{key}"{did_you_mean(key, _TOP)}')
        if "name" in entries:
            document.set = _text(entries["name"], "name")
            if not document.set:
                _fail(entries["name"], "name must not be empty")
        for name, node in self._items(entries, "streams", "name"):
            self._stream(name, node)
        for name, node in self._items(entries, "kv", "bucket"):
            config = self._bucket(node, name, fields.KV, fields.kv_stream)
            document.streams.append(Declared("kv", name, config, node.position))
        for name, node in self._items(entries, "objects", "bucket"):
            config = self._bucket(node, name, fields.OBJECT, fields.object_stream)
            document.streams.append(Declared("object", name, config, node.position))
        for declared in document.streams:
            self._once(f"stream {declared.stream_name}", declared.position)
        for declared in document.consumers:
            self._once(declared.title, declared.position)
        return document

    def _once(self, title: str, position: Position) -> None:
        if title in self._seen:
            raise ConfigError(f"{title} is declared on line {self._seen[title].line}", position)
        self._seen[title] = position

    def _items(self, entries: NodeMap, key: str, naming: str) -> list[tuple[str, Node]]:
        """Names with their blocks: of a map, or of a list of blocks that have a name in them."""
        if key not in entries:
            return []
        node = entries[key]
        if isinstance(node.value, dict):
            return [(_name(name, inner), inner) for name, inner in node.value.items()]
        if not isinstance(node.value, list):
            _fail(node, f"{key} must be a map or a list, got {kind_of(node.value)}")
        found = []
        for item in node.value:
            block = _block(item, key)
            if naming not in block:
                _fail(item, f"an item of {key} needs a {naming}")
            found.append((_name(_text(block[naming], naming), block[naming]), item))
        return found

    def _stream(self, name: str, node: Node) -> None:
        block = dict(_block(node, "a stream"))
        inner = {"consumers": block.pop("consumers")} if "consumers" in block else {}
        config = _config(block, fields.STREAM, node, "name", name)
        self._document.streams.append(Declared("stream", name, config, node.position))
        for consumer, place in self._items(inner, "consumers", "name"):
            made = _config(_block(place, "a consumer"), fields.CONSUMER, place, "name", consumer)
            if "filter_subject" in made and "filter_subjects" in made:
                _fail(place, "filter_subject and filter_subjects do not go together")
            made["durable_name"] = consumer
            self._document.consumers.append(
                Declared("consumer", consumer, made, place.position, name)
            )

    def _bucket(self, node: Node, name: str, shape: fields.Shape, make: Any) -> dict[str, Any]:
        config = _config(_block(node, "a bucket"), shape, node, "bucket", name)
        try:
            made: dict[str, Any] = make(config)
        except CliError as error:
            _fail(node, str(error))
        return made


def _config(
    block: NodeMap, shape: fields.Shape, node: Node, naming: str, name: str
) -> dict[str, Any]:
    config = _read_block(block, shape, node)
    if config.get(naming, name) != name:
        _fail(block[naming], f'{naming} is "{config[naming]}", but it stands below "{name}"')
    config[naming] = name
    return config


def _read_block(block: NodeMap, shape: fields.Shape, node: Node) -> dict[str, Any]:
    config = {}
    for key, inner in block.items():
        name = fields.ALIASES.get(key, key) if key not in shape else key
        if name not in shape:
            _fail(inner, f'unknown field "{key}"{did_you_mean(key, shape)}')
        config[name] = _read(inner, shape[name], key)
    return config


def _read(node: Node, kind: Any, key: str) -> Any:
    value = node.value
    if isinstance(kind, dict):
        return _read_block(_block(node, key), kind, node)
    if isinstance(kind, list):
        items = value if isinstance(value, list) else _wrong(node, key, "a list")
        return [_read(item, kind[0], key) for item in items]
    if isinstance(kind, tuple):
        if value not in kind:
            shown = f'"{value}"' if isinstance(value, str) else kind_of(value)
            _fail(node, f"{key} must be one of {', '.join(kind)}, got {shown}")
        return value
    match kind:
        case fields.TEXT:
            return _text(node, key)
        case fields.SWITCH:
            return value if isinstance(value, bool) else _wrong(node, key, "true or false")
        case fields.NUMBER:
            if isinstance(value, bool) or not isinstance(value, int):
                _wrong(node, key, "a whole number")
            return value
        case fields.TEXTS:
            items = value if isinstance(value, list) else [node]
            return [_text(item, key) for item in items]
        case fields.MAP:
            return {name: _text(inner, name) for name, inner in _block(node, key).items()}
        case fields.DURATIONS:
            items = value if isinstance(value, list) else [node]
            return [_measure(item, key, fields.read_duration) for item in items]
        case fields.DURATION:
            return _measure(node, key, fields.read_duration)
        case _:
            return _measure(node, key, fields.read_size)


def _measure(node: Node, key: str, read: Any) -> Any:
    try:
        return read(node.value)
    except ValueError as error:
        _fail(node, f"{key}: {error}")


def _text(node: Node, key: str) -> str:
    return node.value if isinstance(node.value, str) else _wrong(node, key, "a text")


def _block(node: Node, key: str) -> NodeMap:
    return node.value if isinstance(node.value, dict) else _wrong(node, key, "a block")


def _name(name: str, node: Node) -> str:
    if not name or any(char in name for char in " .*>/\\\t\r\n"):
        _fail(node, f'"{name}" is no valid name')
    return name


def _wrong(node: Node, key: str, wanted: str) -> NoReturn:
    kind = kind_of(node.value)
    _fail(node, f"{key} must be {wanted}, got {'an' if kind[0] in 'aeiou' else 'a'} {kind}")


def _fail(node: Node, message: str) -> NoReturn:
    raise ConfigError(message, node.position)
