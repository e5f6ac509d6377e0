"""Which files of a stream's `msgs/` are blocks: those whose name is a block's number as it is
written, and no other way of writing the same number.

Two files must never be one block: what removes the one would remove the other.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

BLOCK_MAX = 2**32 - 1
_BLOCK = re.compile(r"([1-9][0-9]{0,9})\.blk")
_KEY = re.compile(r"([1-9][0-9]{0,9})\.key")
_UNFINISHED = re.compile(r"([1-9][0-9]{0,9}\.blk)(\.[0-9]+)?\.tmp")
_LIKE_BLOCKS = (".blk", ".key")


def block_number(name: str) -> int | None:
    """The number of the block whose file has this name, or None: it is no block's file."""
    return _number(_BLOCK.fullmatch(name))


def unfinished(names: Iterable[str]) -> list[str]:
    """Those of a folder's files that were to take the place of a block which is still there."""
    there = set(names)
    found = filter(None, map(_UNFINISHED.fullmatch, there))
    return [one[0] for one in found if one[1] in there]


def block_numbers(names: Iterable[str]) -> list[int]:
    """The numbers of the blocks among the files of a folder, ascending."""
    return sorted(number for number in map(block_number, names) if number is not None)


def key_number(name: str) -> int | None:
    """The number of the block whose key has this name, or None."""
    return _number(_KEY.fullmatch(name))


def highest_key(names: Iterable[str]) -> int:
    """The highest number of a block that has a key, perhaps without the block; 0 without any."""
    return max(filter(None, map(key_number, names)), default=0)


def is_stray(name: str) -> bool:
    """Whether a file looks like one of a block and is none."""
    if not name.endswith(_LIKE_BLOCKS):
        return False
    return block_number(name) is None and key_number(name) is None


def _number(found: re.Match[str] | None) -> int | None:
    number = int(found[1]) if found is not None else 0
    return number if 0 < number <= BLOCK_MAX else None
