"""Who is next: groups take turns, and the members of a group take turns.

A group with a thousand members that wait delays another group's only member by one turn.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

G = TypeVar("G", bound=Hashable)
M = TypeVar("M", bound=Hashable)


class Rotation(Generic[G, M]):
    """Members of groups that wait for their turn, each once. Every operation is O(1)."""

    __slots__ = ("_groups", "_length")

    def __init__(self) -> None:
        self._groups: OrderedDict[G, OrderedDict[M, None]] = OrderedDict()
        self._length = 0

    def __len__(self) -> int:
        return self._length

    def add(self, group: G, member: M) -> None:
        """Puts a member at the end of its group. One that waits already keeps its place."""
        members = self._groups.get(group)
        if members is None:
            members = self._groups[group] = OrderedDict()
        if member not in members:
            members[member] = None
            self._length += 1

    def next(self) -> tuple[G, M]:
        """Takes out the member whose turn it is; its group goes to the end. Raises IndexError when
        nobody waits."""
        if not self._groups:
            raise IndexError("nobody waits")
        group, members = next(iter(self._groups.items()))
        member, _ = members.popitem(last=False)
        self._length -= 1
        if members:
            self._groups.move_to_end(group)
        else:
            del self._groups[group]
        return group, member

    def discard(self, group: G, member: M) -> None:
        """Takes a member out, if it waits."""
        members = self._groups.get(group)
        if members is None or member not in members:
            return
        del members[member]
        self._length -= 1
        if not members:
            del self._groups[group]

    def clear(self) -> None:
        """Takes everybody out."""
        self._groups.clear()
        self._length = 0
