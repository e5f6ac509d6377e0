"""Reads tar archives of plain files, as they come and with little memory.

Only what backups consist of: regular files (ustar), with pax records for their names and sizes.
Everything else (links, devices, sparse files, GNU's long names) is refused, and so are records and
padding larger than any backup has. The layout:
https://www.gnu.org/software/tar/manual/html_node/Standard.html.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

BLOCK: Final = 512  # bytes
PAX_MAX: Final = 64 * 1024  # bytes of a file's pax records: a name and times are some hundred
PADDING_MAX: Final = 1024 * 1024  # bytes of zeros behind the end
PIECE: Final = 256 * 1024  # bytes of a file that are handed out at a time
_REGULAR: Final = (b"0", b"\0")
_PAX_FILE, _PAX_GLOBAL = b"x", b"g"

Read = Callable[[int], bytes]  # exactly so many bytes, fewer at the end only


class Piece(NamedTuple):
    """Some bytes of a file. `first`: the file begins with them; `size` is that of the file."""

    name: str
    size: int
    first: bool
    data: bytes


def pieces(read: Read) -> Iterator[Piece]:
    """The files piece by piece; an empty file has one. Raises ValueError for what is no such
    archive, or ends early."""
    while True:
        name, size = "", -1
        header = _block(read)
        while (kind := _kind(header)) in (_PAX_FILE, _PAX_GLOBAL):
            records = _records(_content(read, _number(header[124:136])))
            if kind == _PAX_FILE:
                name = records.get("path", name)
                size = int(_digits(records["size"])) if "size" in records else size
            header = _block(read)
        if not header.strip(b"\0"):
            _check_end(read)
            return
        if kind not in _REGULAR:
            raise ValueError(f"{_name(header)!r} is not a regular file")
        yield from _file(read, name or _name(header), size if size >= 0 else _size(header))


def _file(read: Read, name: str, size: int) -> Iterator[Piece]:
    left, first = size, True
    while first or left:
        data = read(min(left, PIECE))
        if len(data) < min(left, PIECE):
            raise ValueError(f"{name!r} is cut off")
        left -= len(data)
        yield Piece(name, size, first, data)
        first = False
    read(-size % BLOCK)


def _block(read: Read) -> bytes:
    header = read(BLOCK)
    if len(header) < BLOCK:
        raise ValueError("the archive ends early")
    if header.strip(b"\0"):
        total = sum(header) - sum(header[148:156]) + 8 * 32
        if total != _number(header[148:156]):
            raise ValueError("a header of the archive is damaged")
    return header


def _kind(header: bytes) -> bytes:
    return header[156:157] if header.strip(b"\0") else b""


def _content(read: Read, size: int) -> bytes:
    if size > PAX_MAX:
        raise ValueError("the records of a file are too large")
    data = read(size)
    if len(data) < size:
        raise ValueError("the archive ends early")
    read(-size % BLOCK)
    return data


def _records(data: bytes) -> dict[str, str]:
    """`length key=value newline`, where the length counts everything."""
    found: dict[str, str] = {}
    at = 0
    while at < len(data):
        blank = data.find(b" ", at, at + 8)
        length = int(_digits(data[at:blank].decode("ascii", "replace"))) if blank > 0 else 0
        record = data[blank + 1 : at + length]
        key, equals, value = record.partition(b"=")
        if not equals or at + length > len(data) or value[-1:] != b"\n":
            raise ValueError("the records of a file are damaged")
        if key.startswith(b"GNU.sparse"):
            raise ValueError("sparse files are not supported")
        found[key.decode(errors="replace")] = value[:-1].decode(errors="replace")
        at += length
    return found


def _digits(text: str) -> str:
    if not text.isascii() or not text.isdigit() or len(text) > 18:
        raise ValueError(f"{text[:20]!r} is not a size")
    return text


def _number(field: bytes) -> int:
    """An octal number, or a binary one after a byte 0x80."""
    if field[:1] == b"\x80":
        return int.from_bytes(field[1:], "big")
    text = field.strip(b" \0")
    if not text:
        return 0
    if text.strip(b"01234567"):
        raise ValueError("a header of the archive is damaged")
    return int(text, 8)


def _size(header: bytes) -> int:
    return _number(header[124:136])


def _name(header: bytes) -> str:
    name = header[:100].split(b"\0")[0]
    prefix = header[345:500].split(b"\0")[0] if header[257:262] == b"ustar" else b""
    return (prefix + b"/" + name if prefix else name).decode(errors="replace")


def _check_end(read: Read) -> None:
    """A second empty block ends the archive; tools pad it with more of them."""
    if _block(read).strip(b"\0"):
        raise ValueError("the archive ends early")
    for _ in range(PADDING_MAX // BLOCK + 1):
        if not read(BLOCK):
            return
    raise ValueError("more follows the end of the archive")
