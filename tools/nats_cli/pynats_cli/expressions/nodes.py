"""What the parser makes of an expression."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Node:
    """`at` is where its operator or first letter stands."""

    at: int


@dataclass(frozen=True)
class Literal(Node):
    value: object


@dataclass(frozen=True)
class Items(Node):
    """`[a, b]`"""

    items: tuple[Node, ...]


@dataclass(frozen=True)
class Pairs(Node):
    """`{a: 1}`"""

    pairs: tuple[tuple[Node, Node], ...]


@dataclass(frozen=True)
class Name(Node):
    """A value of the environment."""

    name: str


@dataclass(frozen=True)
class Element(Node):
    """`#`, the element that a predicate is asked about."""


@dataclass(frozen=True)
class Member(Node):
    """`.name` or `[key]`; with `?.` nothing of nothing is nothing."""

    of: Node
    key: Node
    optional: bool = False
    by_name: bool = False


@dataclass(frozen=True)
class Slice(Node):
    """`[first:end]`"""

    of: Node
    first: Node | None
    end: Node | None


@dataclass(frozen=True)
class Unary(Node):
    sign: str
    of: Node


@dataclass(frozen=True)
class Binary(Node):
    sign: str
    left: Node
    right: Node


@dataclass(frozen=True)
class Choose(Node):
    """`condition ? yes : no`"""

    condition: Node
    yes: Node
    no: Node


@dataclass(frozen=True)
class Call(Node):
    name: str
    arguments: tuple[Node, ...]


@dataclass(frozen=True)
class Each(Node):
    """A function that asks a predicate about each element."""

    name: str
    of: Node
    predicate: Node
