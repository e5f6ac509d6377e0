"""The NATS configuration grammar: parses text into a tree of values with positions.

A file is a map of `key value` entries; the outer braces are optional, so JSON is accepted.
Variables (`$NAME`) are looked up in the map being read, then in the maps around it, then in the
environment, whose text is parsed as if it were in the file. `include` merges another file into the
map being read. The caller reads files (see `files`); the grammar never accesses the disk.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from pynats_common.config import ordinary
from pynats_common.config.scanner import BOOLEANS, SEPARATORS, Scanner, Variable
from pynats_common.config.source import Position, Source
from pynats_common.config.values import ConfigError, Node, NodeMap, NodeValue, walk

# Nesting depth of maps and arrays. Real files stay far below; hostile text must not exhaust the
# interpreter's stack.
NESTING_MAX = 100

_LAST_BRACE = re.compile(r"\s*\}\s*\Z")
# What ends an item, what ends them all, and their names in errors: see `_end_item`.
_MAP = (",;\r\n/}", "}", "a map value terminator", "a map terminator")
_ARRAY = (",\r\n/]", "]", "an array value terminator", "an array terminator")
_BCRYPT = "2a$"  # a bare value `$2a$…` is a password hash, not a variable
# These are hashes, too. The real server takes them for variables, so one that exists goes before.
_OTHER_BCRYPT = ("2b$", "2x$", "2y$")
_WORD = re.compile(r"[\w.\-]+")

Include = Callable[[str, Position], NodeMap]


def parse(
    text: str,
    *,
    file: str = "<text>",
    environ: Mapping[str, str] | None = None,
    include: Include | None = None,
) -> NodeMap:
    """The entries of a configuration text.

    `environ` has the variables that the text does not set (default: none). `include` gets the path
    as written and the position of the directive, and returns the entries of that file. Raises
    `ConfigError` with the position of the error.
    """
    return _Parser(Source(text, file), environ or {}, include, ()).parse()


class _Parser:
    def __init__(
        self,
        source: Source,
        environ: Mapping[str, str],
        include: Include | None,
        resolving: tuple[str, ...],
    ) -> None:
        self.scan = Scanner(source)
        self.environ = environ
        self.include = include
        self.resolving = resolving  # environment variables being parsed, outermost first
        self.scopes: list[NodeMap] = []
        self.depth = 0

    def parse(self) -> NodeMap:
        entries: NodeMap = {}
        self.scopes.append(entries)
        nul = self.scan.text.find("\0")
        if nul >= 0:
            self.scan.fail("Unexpected EOF.", nul)
        self._read_top(entries)
        return entries

    # -- the outermost map, with or without braces ------------------------------------------

    def _read_top(self, entries: NodeMap) -> None:
        scan = self.scan
        while True:
            scan.skip_spaces()
            if scan.at_end:
                return
            if scan.skip_comment():
                continue
            if scan.peek() == "{":
                self._read_outer_braces(entries)
                continue
            self._refuse_slash()
            if _LAST_BRACE.match(scan.text, scan.pos):
                return  # one closing brace too many at the very end
            self._read_entry(entries, inner=False)
            self._end_entry("top-level", "}")

    def _read_outer_braces(self, entries: NodeMap) -> None:
        """Entries between braces around the whole text; braces may be doubled."""
        scan = self.scan
        opened = [scan.pos]
        scan.pos += 1
        while opened:
            scan.skip_spaces()
            if scan.at_end:
                scan.fail("Unexpected EOF.")
            if scan.skip_comment():
                continue
            char = scan.peek()
            if char == "{":
                opened.append(scan.pos)
                scan.pos += 1
            elif char == "}":
                opened.pop()
                scan.pos += 1
                if opened:
                    self._end_inner_brace()
            else:
                self._refuse_slash()
                self._read_entry(entries, inner=False)
                if self._end_entry("block-level", "") == "}":
                    scan.pos -= 1

    def _end_inner_brace(self) -> None:
        """After an inner closing brace: a comma, another brace, or nothing more."""
        scan = self.scan
        while True:
            scan.skip_spaces()
            if scan.skip_comment():
                return
            if scan.at_end:
                scan.fail("Unexpected EOF.")
            char = scan.peek()
            if char in ",;":
                scan.pos += 1
                return
            if char == "}":
                return
            if char != "/":
                scan.fail(f"Expected a block-level to end with a '}}', but got '{char}' instead.")
            scan.pos += 1

    def _refuse_slash(self) -> None:
        if self.scan.peek() == "/":
            self.scan.fail("Unexpected EOF.")

    def _end_entry(self, level: str, closing: str) -> str:
        """Skips what may follow an entry outside an inner map; returns the character that ended
        it."""
        scan = self.scan
        while True:
            scan.skip_blanks()
            if scan.skip_comment():
                continue
            char = scan.peek()
            if char == "/":  # the real server skips a lone slash here
                scan.pos += 1
                continue
            if (not char and level == "top-level") or (char and char in "\r\n,;}"):
                scan.pos += len(char)
                return char
            scan.fail(
                f"Expected a {level} value to end with a new line, comment or EOF, "
                f"but got '{scan.described()}' instead."
            )

    # -- entries ----------------------------------------------------------------------------

    def _read_entry(self, entries: NodeMap, *, inner: bool) -> None:
        """One `key value` or `include path`. `inner` = not the outermost map."""
        scan = self.scan
        key, start, bare = scan.read_key(inner=inner)
        if bare and key.lower() == "include" and not scan.at_end:
            self._read_include(entries, scan.position(start))
            return
        if inner and scan.at_end:
            scan.fail("Unexpected EOF processing map key.")
        scan.skip_spaces()
        separated = not scan.at_end and scan.peek() in SEPARATORS
        if separated:
            scan.pos += 1
        if inner:
            scan.skip_spaces()
            if scan.peek() == ",":
                scan.fail('Unexpected map value terminator ",".')
            if scan.peek() == "}":
                scan.fail(f"Expected a value for '{key}' but found the end of the map")
        elif not separated and scan.at_end:
            scan.fail("config is invalid, the last key has no value", scan.pos)
        scan.skip_blanks()
        entries[key] = Node(self._read_value(), scan.source, start)

    def _read_include(self, entries: NodeMap, where: Position) -> None:
        path = self.scan.read_include_path()
        if self.include is None:
            raise ConfigError("include is not possible here", where)
        entries.update(self.include(path, where))

    # -- values -----------------------------------------------------------------------------

    def _read_value(self) -> NodeValue:
        scan = self.scan
        char = scan.peek()
        if char and char in "[{":
            scan.pos += 1
            return self._nested(self._read_map if char == "{" else self._read_array)
        start = scan.pos
        value = scan.read_scalar()
        if isinstance(value, Variable):
            return self._resolve(value.name, start)
        return value

    def _nested(self, read: Callable[[], NodeValue]) -> NodeValue:
        if self.depth >= NESTING_MAX:
            self.scan.fail(f"nested more than {NESTING_MAX} levels deep", self.scan.pos - 1)
        self.depth += 1
        value = read()
        self.depth -= 1
        return value

    def _read_map(self) -> NodeMap:
        scan = self.scan
        source, text, match = scan.source, scan.text, ordinary.MAP_ITEM.match
        entries: NodeMap = {}
        self.scopes.append(entries)
        while True:
            found = match(text, scan.pos)
            if found is None:
                if self._read_odd_entry(entries):
                    break
                continue
            scan.pos = found.end()
            kind = found.lastgroup
            if kind == "close":
                break
            key = "key" if found["key"] else "quoted_key"
            value = found["text"] if kind == "text" else self._found_value(found)
            entries[found[key]] = Node(value, source, found.start(key))
            if self._end_item(*_MAP) if kind == "open" else text[scan.pos - 1] == "}":
                break
        self.scopes.pop()
        return entries

    def _read_odd_entry(self, entries: NodeMap) -> bool:
        """Reads the next entry of an inner map; returns whether the map ends."""
        scan = self.scan
        scan.skip_filler()
        char = scan.peek()
        if char == "":
            scan.fail("Unexpected EOF processing map.")
        if char == "]":
            scan.fail("Unexpected array end ']' processing map.")
        if char == "}":
            scan.pos += 1
            return True
        self._read_entry(entries, inner=True)
        return self._end_item(*_MAP)

    def _read_array(self) -> list[Node]:
        scan = self.scan
        source, text, match = scan.source, scan.text, ordinary.ARRAY_ITEM.match
        items: list[Node] = []
        while True:
            found = match(text, scan.pos)
            if found is None:
                if self._read_odd_item(items):
                    return items
                continue
            scan.pos = found.end()
            kind = found.lastgroup
            if kind == "close":
                return items
            assert kind is not None
            items.append(Node(self._found_value(found), source, found.start(kind)))
            if self._end_item(*_ARRAY) if kind == "open" else text[scan.pos - 1] == "]":
                return items

    def _read_odd_item(self, items: list[Node]) -> bool:
        """Reads the next item of an array; returns whether the array ends."""
        scan = self.scan
        scan.skip_filler()
        char = scan.peek()
        if char and char in ",/":
            scan.fail("Unexpected array value terminator ','.")
        if char == "]":
            scan.pos += 1
            return True
        start = scan.pos + (char in ("'", '"'))
        items.append(Node(self._read_value(), scan.source, start))
        return self._end_item(*_ARRAY)

    def _found_value(self, found: re.Match[str]) -> NodeValue:
        """The value of an ordinary item; the cursor is behind it, or in the map or array."""
        kind = found.lastgroup
        assert kind is not None
        word = found[kind]
        match kind:
            case "open":
                return self._nested(self._read_map if word == "{" else self._read_array)
            case "integer":
                return int(word)
            case "word":
                return BOOLEANS.get(word.lower(), word)
        return word

    def _end_item(self, ends: str, closing: str, terminator: str, closer: str) -> bool:
        """Skips what may follow an item of a map or an array; returns whether that ends. The last
        two are what an error calls the characters."""
        scan = self.scan
        scan.skip_to_end()
        char = scan.peek()
        if not char or char not in ends:
            scan.fail(
                f'Expected {terminator} "," or {closer} "{closing}", '
                f"but got '{scan.described()}' instead."
            )
        scan.pos += 1
        return char == closing

    # -- variables --------------------------------------------------------------------------

    def _resolve(self, name: str, start: int) -> NodeValue:
        if name.startswith(_BCRYPT):
            return "$" + name
        for scope in reversed(self.scopes):
            if name in scope:
                scope[name].used = True
                return scope[name].value
        where = self.scan.position(start)
        # What is no name may be a password that begins with a `$`.
        shown = name if _WORD.fullmatch(name) else "..."
        at = f"variable reference for '{shown}' on line {where.line}"
        if name in self.resolving:
            raise ConfigError(
                f"{at} could not be parsed: variable reference cycle for '{shown}'", where
            )
        if name not in self.environ:
            if name.startswith(_OTHER_BCRYPT):
                return "$" + name
            raise ConfigError(f"{at} can not be found", where)
        source = Source(f"value={self.environ[name]}", where.file)
        inner = _Parser(source, self.environ, None, (*self.resolving, name))
        try:
            entries = inner.parse()
        except ConfigError as error:
            raise ConfigError(f"{at} could not be parsed: {error.message}", where) from None
        for node in walk(entries):  # the text has no position of its own in the file
            node.source, node.offset = self.scan.source, start
        return entries["value"].value
