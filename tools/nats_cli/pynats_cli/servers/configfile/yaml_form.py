"""Trees from YAML, and as YAML 1.2. ruamel.yaml reads; comments are found by their lines."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from datetime import date, datetime
from typing import Any

from pynats_common.config import ConfigError, Position

from pynats_cli.servers.configfile.toml_form import comment_text
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
DEPTH_MAX = 100
VALUES_MAX = 100_000
_PLAIN = re.compile(r"[A-Za-z_][\w.\-/@]*(?::[\w.\-/@]+)*", re.ASCII)
# What YAML has no plain way to write.
_ODD = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff\ud800-\udfff]")
# Words that are no texts, in YAML 1.1 at least.
_WORDS = {"true", "false", "yes", "no", "on", "off", "null", "y", "n"}


# -- reading ------------------------------------------------------------------------------


def read_yaml(text: str, file: str) -> Branch:
    """The tree of a YAML text. Raises `ConfigError`."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        node = YAML(typ="safe", pure=True).compose(io.StringIO(text))
        data = YAML(typ="safe", pure=True).load(text)
        comments = _Comments(text)
    except RecursionError:
        raise ConfigError("Parse error: nested too deeply", Position(file, 1, 1)) from None
    except YAMLError as error:
        mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
        where = Position(file, mark.line + 1, mark.column + 1) if mark else Position(file, 1, 1)
        problem = str(getattr(error, "problem", "") or error).splitlines()[0]
        raise ConfigError(f"Parse error: {problem}", where) from None
    if data is None:
        return Branch(tail=comments.rest(10**9))
    if not isinstance(data, dict):
        raise ConfigError("Parse error: a configuration is a map", Position(file, 1, 1))
    top = _Reader(file, comments).value(node, data)
    assert isinstance(top, Branch)
    top.tail = comments.rest(10**9)
    while top.tail and not top.tail[-1]:
        top.tail.pop()
    return top


class _Comments:
    """Comments and blank lines by line, taken in their order."""

    def __init__(self, text: str) -> None:
        from ruamel.yaml import YAML

        ends: dict[int, int] = {}
        within: set[int] = set()
        for token in YAML(typ="safe", pure=True).scan(io.StringIO(text)):
            start, end = token.start_mark, token.end_mark
            ends[end.line] = max(ends.get(end.line, 0), end.column)
            within |= set(range(start.line + 1, end.line))
            if end.column and end.line > start.line:
                within.add(end.line)
        self._own: list[tuple[int, str]] = []
        self.behind: dict[int, str] = {}
        for number, line in enumerate(text.splitlines()):
            if number in within:
                continue
            rest = line[ends.get(number, 0) :].strip()
            if rest.startswith("#") and line.strip() != rest:
                self.behind[number] = rest
            elif not line.strip() or line.strip().startswith("#"):
                self._own.append((number, line.strip()))

    def rest(self, before: int) -> list[str]:
        """Those before a line that nobody has taken yet; blank lines in a row are one."""
        lines: list[str] = []
        while self._own and self._own[0][0] < before:
            text = self._own.pop(0)[1]
            if text or lines[-1:] != [""]:
                lines.append(text)
        return lines


class _Reader:
    def __init__(self, file: str, comments: _Comments) -> None:
        self._file = file
        self._comments = comments
        self._depth = self._values = 0

    def value(self, node: Any, data: Any) -> Value:
        """The node with its value, which ruamel has made of the same node.

        Aliases are written out: a small file could mean billions of values, or itself.
        """
        self._values += 1
        if self._values > VALUES_MAX:
            raise ConfigError(f"Parse error: more than {VALUES_MAX} values", self._place(node))
        if self._depth >= DEPTH_MAX:
            raise ConfigError(
                f"Parse error: nested more than {DEPTH_MAX} levels deep", self._place(node)
            )
        self._depth += 1
        try:
            return self._value(node, data)
        finally:
            self._depth -= 1

    def _value(self, node: Any, data: Any) -> Value:
        if isinstance(data, dict):
            return self._branch(node, data)
        if isinstance(data, list):
            row = Row()
            for inner, value in zip(node.value, data, strict=True):
                item = Item(value=Leaf(""), offset=inner.start_mark.index)
                self._note(item, inner, inner)
                item.value = self.value(inner, value)
                row.items.append(item)
            return row
        if data is None:
            raise ConfigError("null is no value of a configuration", self._place(node))
        if isinstance(data, datetime):
            return Leaf(data)
        if isinstance(data, date):
            return Leaf(data.isoformat())
        if not isinstance(data, (str, bool, int, float)):
            raise ConfigError(f"unsupported value {type(data).__name__}", self._place(node))
        return Leaf(data)

    def _branch(self, node: Any, data: dict[Any, Any]) -> Branch:
        branch = Branch()
        if len(node.value) != len(data):
            raise ConfigError("merge keys are not supported", self._place(node))
        for (key, inner), (name, value) in zip(node.value, data.items(), strict=True):
            if not isinstance(name, (str, int)) or isinstance(name, bool):
                raise ConfigError("a key must be a text", self._place(key))
            entry = Entry(name=str(key.value), value=Leaf(""), offset=key.start_mark.index)
            self._note(entry, key, inner)
            entry.value = self.value(inner, value)
            branch.entries.append(entry)
        return branch

    def _note(self, noted: Noted, start: Any, value: Any) -> None:
        line = start.start_mark.line
        noted.before = self._comments.rest(line)
        behind = self._comments.behind
        if isinstance(value.value, list) and not value.flow_style:
            if value.start_mark.line > line:  # otherwise it is that of the first entry in it
                noted.inside = behind.pop(line, "")
            return
        noted.behind = behind.pop(line, "") or behind.pop(value.end_mark.line, "")

    def _place(self, node: Any) -> Position:
        mark = node.start_mark
        return Position(self._file, mark.line + 1, mark.column + 1)


# -- writing ------------------------------------------------------------------------------


def write_yaml(top: Branch) -> str:
    """The whole text."""
    lines = [*_entries(top, ""), *_comments(top.tail, "")]
    while lines and not lines[0]:
        del lines[0]
    return "".join(f"{line}\n" for line in lines) if top.entries else "{}\n"


def _entries(branch: Branch, indent: str) -> Iterator[str]:
    last = {entry.name: entry for entry in branch.entries}
    for entry in branch.entries:
        if last[entry.name] is entry:
            yield from _comments(entry.before, indent)
            yield from _valued(f"{indent}{_scalar(entry.name)}:", entry, indent + STEP)


def _valued(start: str, noted: Entry | Item, indent: str) -> Iterator[str]:
    value = noted.value
    behind = " ".join(filter(None, (noted.inside, noted.behind)))
    if isinstance(value, Leaf):
        assert not isinstance(value.value, Reference)
        yield f"{start} {_scalar(value.value)}{_behind(behind)}"
    elif isinstance(value, Branch):
        yield f"{start}{'' if value.entries else ' {}'}{_behind(behind)}"
        yield from _entries(value, indent)
        yield from _comments(value.tail, indent)
    else:
        yield f"{start}{'' if value.items else ' []'}{_behind(behind)}"
        for item in value.items:
            yield from _comments(item.before, indent)
            yield from _dashed(item, indent)
        yield from _comments(value.tail, indent)


def _dashed(item: Item, indent: str) -> Iterator[str]:
    """An item of a list; the first entry of a map stands behind the dash."""
    value = item.value
    if not (isinstance(value, Branch) and value.entries) or item.inside or value.entries[0].before:
        yield from _valued(f"{indent}-", item, indent + STEP)
        return
    lines = list(_entries(value, indent + STEP)) + list(_comments(value.tail, indent + STEP))
    yield f"{indent}- {lines[0].strip()}"
    yield from lines[1:]
    if item.behind:
        yield f"{indent}{STEP}{comment_text(item.behind)}"


def _comments(lines: list[str], indent: str) -> Iterator[str]:
    for line in lines:
        yield indent + comment_text(line) if line else ""


def _behind(text: str) -> str:
    return f"  {comment_text(text)}" if text else ""


def _scalar(value: Plain) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%dT%H:%M:%SZ}"
    if isinstance(value, str):
        if _PLAIN.fullmatch(value) and value.lower() not in _WORDS:
            return value
        return _ODD.sub(_escaped, json.dumps(value, ensure_ascii=False))
    return repr(value)


def _escaped(found: re.Match[str]) -> str:
    if "\ud800" <= found[0] <= "\udfff":
        raise ValueError("a text is not valid UTF-8, which YAML cannot hold")
    return f"\\u{ord(found[0]):04X}"
