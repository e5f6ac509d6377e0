"""`explain`: what a key of the configuration is."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from pynats_common.commandline.suggest import closest
from pynats_common.serverkeys import Block, Key, Keys, load_keys

from pynats_cli.servers.configfile.nats_writing import key_text

_KINDS = {
    "switch": "true or false",
    "number": "whole number",
    "size": "bytes, a whole number or with a unit (10MB)",
    "duration": 'duration ("30s", "2m")',
    "port": "port number",
    "address": "host:port or a port",
    "path": "path of a file or folder",
    "text": "text",
    "texts": "text or list of texts",
    "map": "map of names to values",
    "block": "block",
    "block or blocks": "list of blocks",
    "named blocks": "a block for each name",
    "value or block": "value or block",
    "value": "value",
}
# Where the kind of a value says too little of what it looks like.
_EXAMPLES = {
    "listen": '"0.0.0.0:4222"',
    "server_name": "n1",
    "server_tags": '["region:eu", "disk:ssd"]',
    "http": '"127.0.0.1:8222"',
    "routes": '["nats://n2:6222", "nats://n3:6222"]',
    "urls": '["tls://hub1:7422", "tls://hub2:7422"]',
    "url": '"tls://hub:7422"',
    "nkey": "UDXU4RCSJNZOIQHZNWXHXORDPRTGNJAHAHFRGZNEEJCPQTT2M7NLCNF4",
    "password": '"$2a$11$W2zko751KUvVy59mUTWmpOdWjpEm5qhcCZRd05GjI/sSOT.xtiHyG"',
    "store_dir": '"/var/lib/nats"',
    "sync_interval": "always",
    "min_version": '"1.3"',
    "weight": '"20%"',
    "allow": '["orders.>", "_INBOX.>"]',
    "rtt_thresholds": '["10ms", "50ms", "100ms"]',
    "max_streams": "100",
    "max_consumers": "1000",
    "max_ack_pending": "1000",
    "deny": '["orders.internal.>"]',
    "resolver": "MEMORY",
    "compression": "s2_auto",
}
_BY_KIND = {
    "number": "100",
    "size": "1GB",
    "duration": '"30s"',
    "port": "4222",
    "address": '"127.0.0.1:4222"',
    "path": '"/etc/nats/file"',
    "text": "name",
    "texts": '["a", "b"]',
    "map": "{ name: value }",
    "value": "value",
}
_SHOWN_KEYS = 3  # of a block in an example


@dataclass
class Explanation:
    """One key at one place."""

    path: str
    names: tuple[str, ...]
    meaning: str
    kind: str
    default: str
    reloadable: bool
    only_original: bool
    example: str
    keys: list[tuple[str, str]] = field(default_factory=list)  # those of its block, with meanings

    def as_json(self) -> dict[str, Any]:
        return {
            "key": self.path,
            "names": list(self.names),
            "meaning": self.meaning,
            "type": self.kind,
            "default": self.default or None,
            "reloadable": self.reloadable,
            "pynats_server": not self.only_original,
            "example": self.example,
            "keys": [name for name, _ in self.keys],
        }


class UnknownKey(Exception):
    """There is none of that name."""


def explain(word: str) -> list[Explanation]:
    """What a key is: by its dotted path, or everywhere a key of that name is. Raises UnknownKey
    with a suggestion."""
    keys = load_keys()
    path = word.strip().strip(".")
    exact = keys.follow(path)
    if exact is not None:
        return [_explained(exact, path, keys)]
    ends = [key for key in keys.every() if _ends_with(key, path.lower())]
    if ends:
        return [_explained(key, key.path, keys) for key in ends]
    raise UnknownKey(f'"{word}" is no key of the configuration{_suggestion(path, keys)}')


def _ends_with(key: Key, path: str) -> bool:
    before, _, name = path.rpartition(".")
    if name != key.name and name not in key.aliases:
        return False
    around = key.path.rpartition(".")[0]
    return not before or around == before or around.endswith(f".{before}")


def _suggestion(path: str, keys: Keys) -> str:
    before, _, name = path.rpartition(".")
    if before and (around := keys.follow(before)) is not None:
        block = keys.block_of(around)
        near = closest(name, block.names) if block is not None else ""
        if near:
            return f' (did you mean "{before}.{near}"?)'
    near = closest(name, {name for key in keys.every() for name in (key.name, *key.aliases)})
    return f' (did you mean "{near}"?)' if near else ""


def _explained(key: Key, path: str, keys: Keys) -> Explanation:
    block = keys.block_of(key)
    return Explanation(
        path=path,
        names=(key.name, *key.aliases),
        meaning=key.help,
        kind=_KINDS[key.kind],
        default=key.default,
        reloadable=_is_reloadable(path, key, keys),
        only_original=key.later,
        example=_example(path, key, block, keys),
        keys=[(inner.name, inner.help) for inner in block.keys] if block is not None else [],
    )


def _is_reloadable(path: str, key: Key, keys: Keys) -> bool:
    """A key inside a block follows its block."""
    words = path.split(".")
    around = [keys.follow(".".join(words[:end])) for end in range(1, len(words))]
    return key.reload or any(each is not None and each.reload for each in around)


def _example(path: str, key: Key, block: Block | None, keys: Keys) -> str:
    words = path.split(".")
    lines: list[str] = []
    indent = ""
    closing: list[str] = []
    for end in range(1, len(words)):
        around = keys.follow(".".join(words[:end]))
        is_free = around is None or around.path.rpartition(".")[2] not in (
            words[end - 1], *(around.aliases)
        )  # fmt: skip
        if around is not None and around.kind == "block or blocks" and not is_free:
            lines.append(f"{indent}{words[end - 1]}: [{{")
            closing.append(f"{indent}}}]")
        else:
            lines.append(f"{indent}{key_text(words[end - 1])} {{")
            closing.append(f"{indent}}}")
        indent += "  "
        needs_name = around is not None and around.kind == "named blocks" and not is_free
        if needs_name and keys.follow(".".join(words[: end + 1])) is not around:
            lines.append(f"{indent}NAME {{")
            closing.append(f"{indent}}}")
            indent += "  "
    lines += [f"{indent}{line}" for line in _valued(words[-1], key, block)]
    return "\n".join([*lines, *reversed(closing)])


def _valued(word: str, key: Key, block: Block | None) -> list[str]:
    if block is None or (key.kind == "value or block" and key.name in _EXAMPLES):
        return [f"{word}: {_value(key)}"]
    inner = [f"  {each.name}: {_value(each)}" for each in block.keys if each.block is None]
    shown = inner[:_SHOWN_KEYS]
    if key.kind == "named blocks":
        return [f"{word} {{", "  NAME {", *(f"  {line}" for line in shown), "  }", "}"]
    if key.kind == "block or blocks":
        return [f"{word}: [{{", *shown, "}]"]
    return [f"{word} {{", *shown, "}"]


def _value(key: Key) -> str:
    if key.kind == "switch":
        return "false" if key.default == "true" else "true"
    if key.name in _EXAMPLES:
        return _EXAMPLES[key.name]
    if key.default and key.default not in ("-1", "0", "0s"):
        quoted = key.kind in ("duration", "path", "text", "value or block")
        return f'"{key.default}"' if quoted else key.default
    return _BY_KIND.get(key.kind, "value")
