"""Trees from TOML, and as TOML. tomlkit reads comments; lists of blocks become `[[tables]]`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, datetime, time
from typing import TYPE_CHECKING, Any

from pynats_common.config import ConfigError, Position

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

if TYPE_CHECKING:
    from tomlkit.container import Container

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_WIDTH = 90


# -- reading ------------------------------------------------------------------------------


def read_toml(text: str, file: str) -> Branch:
    """The tree of a TOML text. Raises `ConfigError`."""
    import tomlkit
    from tomlkit.exceptions import ParseError

    try:
        document = tomlkit.parse(text)
    except ParseError as error:
        message = str(error).partition(" at line ")[0]
        raise ConfigError(
            f"Parse error: {message}", Position(file, error.line, error.col + 1)
        ) from None
    top = Branch()
    top.tail = _container(document, top, [])
    while top.tail and not top.tail[-1]:
        top.tail.pop()
    return top


def _container(container: Container, branch: Branch, pending: list[str]) -> list[str]:
    """Adds the entries of a table. `pending` are lines before the next entry; returns those that
    are left, which belong to what follows the table."""
    from tomlkit.items import AoT, Comment, Table, Whitespace

    for key, item in container.body:
        if isinstance(item, Comment):
            pending.append(_comment_text(item.trivia.comment))
        elif isinstance(item, Whitespace):
            if item.s.count("\n") and pending[-1:] != [""]:
                pending.append("")
        elif key is None:
            continue
        elif isinstance(item, Table):
            entry = _table_entry(branch, key.key, pending)
            pending = []
            entry.inside = entry.inside or _comment_text(item.trivia.comment)
            assert isinstance(entry.value, Branch)
            pending = _container(item.value, entry.value, pending)
        elif isinstance(item, AoT):
            row = Row()
            entry = Entry(name=key.key, value=row, before=pending)
            pending = []
            for table in item.body:
                inner = Branch()
                made = Item(value=inner, before=pending, inside=_comment_text(table.trivia.comment))
                row.items.append(made)
                pending = _container(table.value, inner, [])
            branch.entries.append(entry)
        else:
            behind = _comment_text(item.trivia.comment)
            entry = Entry(name=key.key, value=Leaf(""), before=pending, behind=behind)
            entry.value = _value(item, entry)
            branch.entries.append(entry)
            pending = []
    return pending


def _table_entry(branch: Branch, name: str, before: list[str]) -> Entry:
    """The entry of a table, which may have been begun before (`[a.b]`, `[a]`)."""
    known = branch.find(name)
    if known is not None and isinstance(known.value, Branch):
        known.before += before
        return known
    entry = Entry(name=name, value=Branch(), before=before)
    branch.entries.append(entry)
    return entry


def _comment_text(comment: str) -> str:
    return comment.rstrip()


def _value(item: Any, holder: Noted | None = None) -> Value:
    from tomlkit.items import Array, InlineTable

    if isinstance(item, InlineTable):
        branch = Branch()
        _container(item.value, branch, [])
        return branch
    if isinstance(item, Array):
        return _array(item, holder)
    return _plain_leaf(item.unwrap())


def _array(array: Any, holder: Noted | None = None) -> Row:
    row = Row()
    pending: list[str] = []
    # Comments of arrays have no public way; a release without this one would lose only them.
    for group in getattr(array, "_value", []):
        has_value = group.value is not None and not _is_filler(group.value)
        if has_value:
            row.items.append(Item(value=_value(group.value), before=pending))
            pending = []
        if group.comment is None:
            continue
        text = _comment_text(group.comment.trivia.comment)
        if has_value:
            row.items[-1].behind = text
        elif holder is not None and not row.items and group.indent is None:
            holder.inside = text
        else:
            pending.append(text)
    if len(row.items) != len(array):
        row.items = [Item(value=_value(item)) for item in array]
    row.tail = pending
    return row


def _is_filler(value: Any) -> bool:
    from tomlkit.items import Comment, Null, Whitespace

    return isinstance(value, (Comment, Null, Whitespace))


def _plain_leaf(value: Any) -> Leaf:
    if isinstance(value, (date, time)) and not isinstance(value, datetime):
        return Leaf(value.isoformat())
    return Leaf(value)


# -- writing ------------------------------------------------------------------------------


class TomlWriter:
    """Writes one tree. `lost` counts comments that have no place in TOML: within inline tables."""

    def __init__(self) -> None:
        self.lost = 0

    def write(self, top: Branch) -> str:
        lines = list(self._table(top, ""))
        lines += self._comments(top.tail)
        while lines and not lines[0]:
            del lines[0]
        return "".join(f"{line}\n" for line in lines)

    def _table(self, branch: Branch, path: str) -> Iterator[str]:
        """Single values first: what follows the header of a table is the table's."""
        last = {entry.name: entry for entry in branch.entries}
        entries = [entry for entry in branch.entries if last[entry.name] is entry]
        inner = [entry for entry in entries if _is_table(entry.value)]
        for entry in entries:
            if not _is_table(entry.value):
                yield from self._comments(entry.before)
                start = f"{_key(entry.name)} = "
                yield from self._assigned(start, entry)
        if path:
            yield from self._comments(branch.tail)
        for entry in inner:
            name = f"{path}.{_key(entry.name)}" if path else _key(entry.name)
            if isinstance(entry.value, Branch):
                yield from self._header(f"[{name}]", entry)
                yield from self._table(entry.value, name)
                continue
            assert isinstance(entry.value, Row)
            for number, item in enumerate(entry.value.items):
                if not number:
                    item.before[:0] = [*entry.before, *([entry.inside] if entry.inside else [])]
                yield from self._header(f"[[{name}]]", item)
                assert isinstance(item.value, Branch)
                yield from self._table(item.value, name)
            yield from self._comments(entry.value.tail)

    def _header(self, header: str, noted: Noted) -> Iterator[str]:
        before = noted.before
        yield from self._comments(before if before[:1] == [""] else ["", *before])
        behind = " ".join(filter(None, (noted.inside, noted.behind)))
        yield f"{header}{_behind(behind)}"

    def _assigned(self, start: str, noted: Entry | Item) -> Iterator[str]:
        value = noted.value
        if not isinstance(value, Row):
            yield f"{start}{self._inline(value)}{_behind(noted.behind)}"
            return
        plain = [self._inline(item.value) for item in value.items]
        line = f"[{', '.join(plain)}]"
        noisy = value.tail or noted.inside or any(i.before or i.behind for i in value.items)
        if not noisy and len(start) + len(line) <= _WIDTH:
            yield f"{start}{line}{_behind(noted.behind)}"
            return
        yield f"{start}[{_behind(noted.inside)}"
        for item, text in zip(value.items, plain, strict=True):
            yield from (f"  {line}" if line else "" for line in self._comments(item.before))
            yield f"  {text},{_behind(item.behind)}"
        yield from (f"  {line}" if line else "" for line in self._comments(value.tail))
        yield f"]{_behind(noted.behind)}"

    def _inline(self, value: Value) -> str:
        if isinstance(value, Row):
            self.lost += sum(_notes(item) for item in value.items) + len(value.tail)
            return f"[{', '.join(self._inline(item.value) for item in value.items)}]"
        if isinstance(value, Branch):
            self.lost += sum(_notes(entry) for entry in value.entries) + len(value.tail)
            last = {entry.name: entry.value for entry in value.entries}
            pairs = [f"{_key(name)} = {self._inline(inner)}" for name, inner in last.items()]
            return f"{{ {', '.join(pairs)} }}" if pairs else "{}"
        assert not isinstance(value.value, Reference)
        return _scalar(value.value)

    def _comments(self, lines: list[str]) -> list[str]:
        return [comment_text(line) if line else "" for line in lines]


def _notes(noted: Noted) -> int:
    return sum(map(bool, (*noted.before, noted.behind, noted.inside)))


def comment_text(text: str) -> str:
    """A comment with the sign of TOML and YAML."""
    return f"# {text[2:].strip()}" if text.startswith("//") else text


def _behind(text: str) -> str:
    return f"  {comment_text(text)}" if text else ""


def _is_table(value: Value) -> bool:
    if isinstance(value, Row):
        return bool(value.items) and all(isinstance(item.value, Branch) for item in value.items)
    return isinstance(value, Branch)


def _key(name: str) -> str:
    return name if _BARE_KEY.fullmatch(name) else _scalar(name)


def _scalar(value: Plain) -> str:
    if isinstance(value, str):
        import json

        if any("\ud800" <= char <= "\udfff" for char in value):
            raise ValueError("a text is not valid UTF-8, which TOML cannot hold")
        # TOML's escapes are those of JSON, and DEL must be escaped, too.
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007F")
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%dT%H:%M:%SZ}"
    return repr(value)
