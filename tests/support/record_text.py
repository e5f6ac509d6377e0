"""Records as text that is read in a diff.

A file begins with the version that gave the answers. A record is a line `=== case` and below it
the answer: text as lines that begin with `|`, anything else as indented JSON; a dict one `key:`
after the other.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

_HEAD = "# Answers of "
_CASE = "=== "
_WIDTH = 100
_KEY = re.compile(r"([A-Za-z_][\w .-]*):(?: (.*))?")
_ESCAPE = re.compile(r"\\(?:x([0-9a-f]{2})|u([0-9a-f]{4})|U([0-9a-f]{8})|\\)")


def render(version: str, records: dict[str, str]) -> str:
    """A file's text; the records in the order of their names, answers rendered already.

    Raises ValueError for a name that does not fit in a line.
    """
    if not all(map(str.isprintable, records)):
        raise ValueError("names of cases must be printable")
    blocks = [f"{_CASE}{case}\n{answer}\n" for case, answer in sorted(records.items())]
    return "\n".join([f"{_HEAD}{version}\n", *blocks])


def parse(text: str) -> tuple[str, dict[str, str]]:
    """The version and the records, their answers as text."""
    head, *blocks = f"\n{text}".split(f"\n{_CASE}")
    cases = [block.partition("\n") for block in blocks]
    version = head.strip().removeprefix(_HEAD)
    return version, {case: answer.rstrip("\n") for case, _, answer in cases}


def render_answer(answer: Any) -> str:
    """One answer, without a line end after it."""
    if not isinstance(answer, dict) or not answer or not all(map(_is_key, answer)):
        return "\n".join(_block(answer))
    return "\n".join(_field(key, value) for key, value in answer.items())


def parse_answer(text: str) -> Any:
    """What `render_answer` made a text of.

    Raises ValueError for other text.
    """
    lines = text.split("\n")
    if lines[0].startswith(("|", " ")):
        return _parse_block(lines)
    return dict(_parse_fields(lines))


def _is_key(name: str) -> bool:
    return _KEY.fullmatch(f"{name}:") is not None


def _field(key: str, value: Any) -> str:
    short = json.dumps(value)
    if len(short) + len(key) < _WIDTH and not (isinstance(value, str) and "\n" in value):
        return f"{key}: {short}"
    return "\n".join([f"{key}:", *_block(value)])


def _block(value: Any) -> list[str]:
    if isinstance(value, str):
        return [f"| {_escape(line)}" if line else "|" for line in value.split("\n")]
    return list(_json(value, "  "))


def _json(value: Any, indent: str, name: str = "", end: str = "") -> Iterator[str]:
    """Indented JSON; what fits in a line stays in one."""
    short = f"{indent}{name}{json.dumps(value)}{end}"
    if len(short) <= _WIDTH or not isinstance(value, dict | list) or not value:
        yield short
        return
    opening, closing = "{}" if isinstance(value, dict) else "[]"
    yield f"{indent}{name}{opening}"
    items = (
        [(f"{json.dumps(key)}: ", item) for key, item in value.items()]
        if isinstance(value, dict)
        else [("", item) for item in value]
    )
    for left, (key, item) in zip(range(len(items) - 1, -1, -1), items, strict=True):
        yield from _json(item, indent + "  ", key, "," if left else "")
    yield f"{indent}{closing}{end}"


def _parse_fields(lines: list[str]) -> Iterator[tuple[str, Any]]:
    at = 0
    while at < len(lines):
        found = _KEY.fullmatch(lines[at])
        if found is None:
            raise ValueError(f"not a line of a record: {lines[at]!r}")
        end = at = at + 1
        while end < len(lines) and lines[end].startswith(("|", " ")):
            end += 1
        yield found[1], json.loads(found[2]) if found[2] else _parse_block(lines[at:end])
        at = end


def _parse_block(lines: list[str]) -> Any:
    if lines[0].startswith("|"):
        return "\n".join(_unescape(line[2:]) for line in lines)
    return json.loads("\n".join(lines))


def _escape(line: str) -> str:
    """Everything visible: no control characters, no lone surrogates. A backslash stands for
    itself where it does not look like the start of an escape."""
    shown = []
    for char, following in zip(line, [*line[1:], " "], strict=True):
        if char == "\\":
            ambiguous = following in "\\xuU" or not following.isprintable()
            shown.append("\\\\" if ambiguous else "\\")
        else:
            shown.append(char if char.isprintable() else _escaped(ord(char)))
    return "".join(shown)


def _escaped(code: int) -> str:
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _unescape(line: str) -> str:
    return _ESCAPE.sub(
        lambda found: chr(int(code, 16)) if (code := found[1] or found[2] or found[3]) else "\\",
        line,
    )
