"""Lays out a tree in the NATS grammar: one entry a line, two blanks for each level."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime

from pynats_common.config.scanner import BOOLEANS, SPACE
from pynats_common.go.text import bytes_of

from pynats_cli.servers.configfile.tree import (
    Branch,
    Entry,
    Item,
    Leaf,
    Noted,
    Plain,
    Reference,
    Row,
    Value,
)

STEP = "  "
WIDTH = 90
"""Columns up to which a list of plain values stays on one line."""

# What reads the same in any place, without quotes.
_EASY = re.compile(r'"[^"\\]*"|\'[^\']*\'|-?[0-9]{1,18}|[A-Za-z_$][\w.\-*>/:@$]*', re.ASCII)
_WORD = re.compile(r"[A-Za-z_][\w.\-*>/:@]*", re.ASCII)
_BARE_KEY = re.compile(r"[A-Za-z_$*>][\w$.*>\-]*", re.ASCII)
_ODD_BYTES = re.compile(r"[^ !#-\[\]-~\u00a0-\ud7ff\ue000-\U0010ffff]")


def write_nats(top: Branch) -> str:
    """The whole text."""
    lines = [*_entries(top, ""), *_comments(top.tail, "")]
    while lines and not lines[0]:
        del lines[0]
    return "".join(f"{line}\n" for line in lines)


def _entries(branch: Branch, indent: str) -> Iterator[str]:
    for number, entry in enumerate(branch.entries):
        yield from _comments(entry.before if number or not indent else _begun(entry.before), indent)
        yield from _entry(entry, indent)


def _begun(lines: list[str]) -> list[str]:
    """Without blank lines at the beginning of a block."""
    return lines[1:] if lines and not lines[0] else lines


def _comments(lines: list[str], indent: str) -> Iterator[str]:
    for line in lines:
        yield indent + _comment(line) if line else ""


def _comment(text: str) -> str:
    return text if text.startswith(("#", "//")) else f"# {text}"


def _behind(noted: Noted) -> str:
    return f"  {_comment(noted.behind)}" if noted.behind else ""


def _entry(entry: Entry, indent: str) -> Iterator[str]:
    name = entry.spelling or key_text(entry.name)
    if entry.is_include:
        assert isinstance(entry.value, Leaf)
        yield f"{indent}include {entry.value.raw}{_behind(entry)}"
        return
    value = entry.value
    # A bare `include` before white space would be the directive.
    opens = isinstance(value, Branch) and name.lower() != "include"
    yield from _valued(f"{indent}{name}{'' if opens else ':'} ", value, entry, indent)


def _valued(start: str, value: Value, noted: Noted, indent: str) -> Iterator[str]:
    if isinstance(value, Leaf):
        yield f"{start}{_leaf(value)}{_behind(noted)}"
        return
    opening, closing = "{}" if isinstance(value, Branch) else "[]"
    content = value.entries if isinstance(value, Branch) else value.items
    if not content and not value.tail and not noted.inside:
        yield f"{start}{opening}{closing}{_behind(noted)}"
        return
    if isinstance(value, Row) and not noted.inside:
        line = _one_line(value)
        if line and len(start) + len(line) <= WIDTH:
            yield f"{start}{line}{_behind(noted)}"
            return
    yield f"{start}{opening}{f'  {_comment(noted.inside)}' if noted.inside else ''}"
    inner = indent + STEP
    yield from _entries(value, inner) if isinstance(value, Branch) else _items(value, inner)
    yield from _comments(value.tail if content else _begun(value.tail), inner)
    yield f"{indent}{closing}{_behind(noted)}"


def _items(row: Row, indent: str) -> Iterator[str]:
    for number, item in enumerate(row.items):
        yield from _comments(item.before if number else _begun(item.before), indent)
        yield from _valued(indent, item.value, item, indent)


def _one_line(row: Row) -> str:
    """The list on one line, "" if it needs several."""
    texts = []
    for item in row.items:
        if not isinstance(item.value, Leaf) or _is_noted(item) or any(item.before):
            return ""
        texts.append(_leaf(item.value))
    if row.tail or not all(_EASY.fullmatch(text) for text in texts):
        return ""
    return f"[{', '.join(texts)}]"


def _is_noted(item: Item) -> bool:
    return bool(item.behind or item.inside)


def _leaf(leaf: Leaf) -> str:
    return leaf.raw or value_text(leaf.value)


def key_text(name: str) -> str:
    """A key, in quotes if it needs them."""
    if _BARE_KEY.fullmatch(name):
        return name
    return f"'{name}'" if '"' in name else f'"{name}"'


def value_text(value: Plain | Reference) -> str:
    """A value that nobody has spelled yet. Raises ValueError if the grammar has no way."""
    if isinstance(value, Reference):
        return f"${value.name}"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%dT%H:%M:%SZ}"
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, float):
        return _float(value)
    return str(value)


def _float(value: float) -> str:
    from decimal import Decimal

    if value != value or value in (float("inf"), float("-inf")):
        raise ValueError(f"{value} is no number of the NATS grammar")
    text = format(Decimal(repr(value)), "f")
    return text if "." in text else f"{text}.0"


def _text(value: str) -> str:
    if _WORD.fullmatch(value) and value.lower() not in BOOLEANS and value[-1] not in SPACE:
        return value
    if _ODD_BYTES.search(value) is None:
        return f'"{value}"'
    return '"' + _ODD_BYTES.sub(_escaped, value) + '"'


_ESCAPES = {"\t": "\\t", "\n": "\\n", "\r": "\\r", '"': '\\"', "\\": "\\\\"}


def _escaped(found: re.Match[str]) -> str:
    char = found[0]
    return _ESCAPES.get(char) or "".join(f"\\x{byte:02X}" for byte in bytes_of(char))
