"""Reads the NATS grammar into a `tree`, and looks up what it refers to.

Whether the text is right is the parser's to say (`pynats_common.config`); it has seen it before.
Comments keep their sign: `# x` is noted as " x", `// x` as "/ x" with a mark (see `Comment`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping

from pynats_common.config import ConfigError, NodeMap, Position, parse
from pynats_common.config.scanner import Scanner, Variable
from pynats_common.config.source import Source

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

_SIZE = re.compile(r"-?[0-9]+[kmgtpe][bi]*", re.IGNORECASE)

_HASHES = ("2a$", "2b$", "2x$", "2y$")

Include = Callable[[str, Position], Branch]


class AnyVariable(Mapping[str, str]):
    """An environment in which each name has a value: for looking at a file on any machine."""

    def __getitem__(self, name: str) -> str:
        return "0"

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 1  # an empty environment would not be asked

    def __contains__(self, name: object) -> bool:
        # Hashes of passwords begin with a $, too; the parser takes them for texts if nothing else.
        return isinstance(name, str) and not name.startswith(_HASHES)


def check_syntax(text: str, file: str) -> NodeMap:
    """The values of a text, where variables and included files may be missing. Raises
    `ConfigError`."""
    return parse(text, file=file, environ=AnyVariable(), include=lambda path, where: {})


def read_nats(text: str, file: str) -> Branch:
    """The tree of a text. Raises `ConfigError` with the position of the error."""
    check_syntax(text, file)
    return _Reader(Source(text, file)).read_top()


class _Reader:
    def __init__(self, source: Source) -> None:
        self.scan = Scanner(source)

    def read_top(self) -> Branch:
        top = Branch()
        self._fill_map(top, closing="", opening=None)
        return top

    def _fill_map(self, branch: Branch, closing: str, opening: Noted | None) -> None:
        """Reads entries up to `closing`; braces around the whole text, or doubled, are none."""
        scan = self.scan
        last = opening
        while True:
            before = self._filler(last, is_opening=last is opening)
            if scan.at_end or (closing and scan.peek() == closing):
                scan.pos += 0 if scan.at_end else 1
                branch.tail = _trimmed(before)
                return
            if scan.peek() in "{}" and not closing:
                scan.pos += 1
                last = None
                continue
            entry = self._entry(inner=bool(closing))
            entry.before = before
            branch.entries.append(entry)
            last = entry

    def _filler(self, last: Noted | None, is_opening: bool) -> list[str]:
        """Skips to the next entry. Returns the comments and blank lines before it; a comment on
        the line of `last` is its own."""
        scan = self.scan
        lines: list[str] = []
        fresh = False  # on a line of its own
        blank = False
        while not scan.at_end:
            char = scan.peek()
            start = scan.pos
            if scan.skip_comment():
                shown = scan.text[start : scan.pos].rstrip()
                if fresh or last is None:
                    lines.append(shown)
                elif is_opening:
                    last.inside = shown
                else:
                    last.behind = f"{last.behind} {shown}".strip()
                blank = False
            elif char in "\r\n":
                if char == "\n":
                    if fresh and blank and (not lines or lines[-1]):
                        lines.append("")
                    fresh, blank = True, True
                scan.pos += 1
            elif char in ",;/" or char.isspace():
                scan.pos += 1
            else:
                break
        return lines

    def _entry(self, inner: bool) -> Entry:
        scan = self.scan
        start = scan.pos
        name, offset, bare = scan.read_key(inner=inner)
        spelling = scan.text[start : scan.pos]
        if bare and name.lower() == "include" and not scan.at_end:
            scan.skip_blanks()
            begin = scan.pos
            path = scan.read_include_path()
            leaf = Leaf(path, scan.text[begin : scan.pos])
            return Entry(name="include", value=leaf, is_include=True, offset=offset)
        scan.skip_spaces()
        if scan.peek() in ("=", ":"):
            scan.pos += 1
        if inner:
            scan.skip_spaces()
        scan.skip_blanks()
        entry = Entry(name=name, value=Leaf(""), spelling=spelling, offset=offset)
        entry.value = self._value(entry)
        return entry

    def _value(self, holder: Noted) -> Value:
        scan = self.scan
        char = scan.peek()
        if char == "{":
            scan.pos += 1
            branch = Branch()
            self._fill_map(branch, "}", holder)
            return branch
        if char == "[":
            scan.pos += 1
            return self._row(holder)
        start = scan.pos
        value = scan.read_scalar()
        raw = scan.text[start : scan.pos]
        if isinstance(value, Variable):
            is_hash = value.name.startswith("2a$")
            return Leaf("$" + value.name if is_hash else Reference(value.name), raw)
        if isinstance(value, str) and _SIZE.fullmatch(raw):
            raw = f'"{raw}"'  # a text only because of the bracket behind it
        return Leaf(value, raw)

    def _row(self, opening: Noted) -> Row:
        row = Row()
        scan = self.scan
        last = opening
        while True:
            before = self._filler(last, is_opening=last is opening)
            if scan.at_end or scan.peek() == "]":
                scan.pos += 0 if scan.at_end else 1
                row.tail = _trimmed(before)
                return row
            item = Item(value=Leaf(""), offset=scan.pos)
            item.value = self._value(item)
            item.before = before
            row.items.append(item)
            last = item


def _trimmed(lines: list[str]) -> list[str]:
    return lines[:-1] if lines and not lines[-1] else lines


# -- what a text refers to ----------------------------------------------------------------


def settle(top: Branch, source: Source, environ: Mapping[str, str], include: Include) -> list[str]:
    """Puts in place of includes and variables what they stand for, for forms that have none.
    Returns the names of the variables. Raises `ConfigError` for one that has no value."""
    found: list[str] = []
    _settle(top, [], source, environ, include, found)
    return list(dict.fromkeys(found))


def _settle(
    value: Value,
    scopes: list[Branch],
    source: Source,
    environ: Mapping[str, str],
    include: Include,
    found: list[str],
) -> None:
    if isinstance(value, Row):
        for item in value.items:
            item.value = _looked_up(item.value, item, scopes, source, environ, found)
            _settle(item.value, scopes, source, environ, include, found)
    if not isinstance(value, Branch):
        return
    entries: list[Entry] = []
    for entry in value.entries:
        if not entry.is_include:
            entries.append(entry)
            continue
        assert isinstance(entry.value, Leaf)
        inner = include(str(entry.value.value), source.position(entry.offset))
        if inner.entries:
            inner.entries[0].before[:0] = entry.before
        entries += inner.entries
    value.entries = entries
    before = Branch()  # what stands further down is not seen
    for entry in entries:
        scope = [*scopes, before]
        entry.value = _looked_up(entry.value, entry, scope, source, environ, found)
        _settle(entry.value, scope, source, environ, include, found)
        before.entries.append(entry)


def _looked_up(
    value: Value,
    place: Noted,
    scopes: list[Branch],
    source: Source,
    environ: Mapping[str, str],
    found: list[str],
) -> Value:
    names: list[str] = []  # on the way: the text of an environment variable may name another one
    while isinstance(value, Leaf) and isinstance(value.value, Reference):
        name = value.value.name
        inner = next((entry for scope in reversed(scopes) if (entry := scope.find(name))), None)
        if inner is not None:
            value = inner.value
        elif name in environ and name not in names:
            value = read_nats(f"value={environ[name]}", source.file).entries[0].value
        elif name.startswith(_HASHES):
            return Leaf(f"${name}")
        else:
            where = source.position(place.offset)
            raise ConfigError(f"variable reference for '{name}' can not be found", where)
        names.append(name)
    found += names
    return value


def plain_of(value: Value) -> Plain | list[object] | dict[str, object]:
    """The bare value of a settled tree."""
    if isinstance(value, Branch):
        return {entry.name: plain_of(entry.value) for entry in value.entries}
    if isinstance(value, Row):
        return [plain_of(item.value) for item in value.items]
    assert not isinstance(value.value, Reference)
    return value.value
