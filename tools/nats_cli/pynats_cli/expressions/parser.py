"""Tokens to a tree, by the precedences of the language."""

from __future__ import annotations

from typing import NamedTuple

from pynats_cli.expressions.errors import ExpressionError
from pynats_cli.expressions.functions import FUNCTIONS, PREDICATES
from pynats_cli.expressions.lexer import Token, tokens
from pynats_cli.expressions.nodes import (
    Binary,
    Call,
    Choose,
    Each,
    Element,
    Items,
    Literal,
    Member,
    Name,
    Node,
    Pairs,
    Slice,
    Unary,
)

LENGTH_MAX = 10_000
DEPTH_MAX = 100
_WORD_SIGNS = ("or", "and", "not", "in", "contains", "startsWith", "endsWith", "matches")
_SAME = {"||": "or", "&&": "and", "^": "**"}
# How tightly each binds; "|" hands the left side to a function.
_BINARY = {
    "|": 0, "or": 10, "and": 15, "==": 20, "!=": 20, "<": 20, ">": 20, "<=": 20, ">=": 20,
    "in": 20, "not in": 20, "contains": 20, "startsWith": 20, "endsWith": 20, "matches": 20,
    "..": 25, "+": 30, "-": 30, "*": 60, "/": 60, "%": 60, "**": 100, "??": 500,
}  # fmt: skip
_NEGATABLE = ("in", "contains", "startsWith", "endsWith", "matches")
_UNARY = {"not": 50, "!": 50, "-": 90, "+": 90}
_WORDS = {"true": True, "false": False, "nil": None}


class _Sign(NamedTuple):
    sign: str
    binds: int
    negated: bool


def parse(text: str, names: frozenset[str]) -> Node:
    """The tree of an expression over these names. Raises ExpressionError."""
    if len(text) > LENGTH_MAX:
        raise ExpressionError(f"longer than {LENGTH_MAX} characters", LENGTH_MAX)
    return _Parser(tokens(text), names).whole()


class _Parser:
    def __init__(self, found: list[Token], names: frozenset[str]) -> None:
        self._tokens = found
        self._names = names
        self._position = 0
        self._depth = 0
        self._predicates = 0

    def whole(self) -> Node:
        node = self._expression(0)
        if self._now.kind != "end":
            raise self._unexpected()
        return node

    @property
    def _now(self) -> Token:
        return self._tokens[self._position]

    def _next(self) -> Token:
        token = self._now
        if token.kind != "end":
            self._position += 1
        return token

    def _is(self, text: str) -> bool:
        return self._now.text == text and self._now.kind in ("sign", "name")

    def _take(self, text: str) -> bool:
        if not self._is(text):
            return False
        self._position += 1
        return True

    def _want(self, text: str) -> Token:
        if not self._is(text):
            raise self._unexpected()
        return self._next()

    def _unexpected(self) -> ExpressionError:
        token = self._now
        kind = "token EOF" if token.kind == "end" else f'token "{token.text}"'
        return ExpressionError(f"unexpected {kind}", token.at)

    def _expression(self, binds: int) -> Node:
        self._depth += 1
        if self._depth > DEPTH_MAX:
            raise ExpressionError(f"nested deeper than {DEPTH_MAX}", self._now.at)
        node = self._operand()
        while True:
            found = self._binary_sign()
            if found is None or found.binds < binds:
                break
            node = self._binary(node, found)
        if binds == 0 and self._is("?"):
            node = self._choose(node)
        self._depth -= 1
        return node

    def _binary_sign(self) -> _Sign | None:
        token = self._now
        if token.kind not in ("sign", "name"):
            return None
        text = _SAME.get(token.text, token.text)
        if text == "not":
            after = self._tokens[self._position + 1]
            if after.kind == "name" and after.text in _NEGATABLE:
                return _Sign(after.text, _BINARY[after.text], negated=True)
            return None
        binds = _BINARY.get(text)
        return None if binds is None else _Sign(text, binds, negated=False)

    def _binary(self, left: Node, found: _Sign) -> Node:
        token = self._next()
        if found.negated:
            token = self._next()
        if found.sign == "|":
            return self._piped(left)
        right_binds = found.binds if found.sign == "**" else found.binds + 1
        node: Node = Binary(token.at, found.sign, left, self._expression(right_binds))
        return Unary(token.at, "not", node) if found.negated else node

    def _piped(self, left: Node) -> Node:
        token = self._next()
        if token.kind != "name":
            raise ExpressionError(f'unexpected token "{token.text}"', token.at)
        return self._postfix(self._call(token, (left,)))

    def _choose(self, condition: Node) -> Node:
        at = self._next().at
        yes = self._expression(0)
        self._want(":")
        return Choose(at, condition, yes, self._expression(0))

    def _operand(self) -> Node:
        token = self._now
        if token.kind in ("sign", "name") and token.text in _UNARY:
            self._next()
            sign = "not" if token.text == "!" else token.text
            return Unary(token.at, sign, self._expression(_UNARY[token.text]))
        return self._postfix(self._primary())

    def _primary(self) -> Node:
        token = self._next()
        if token.kind in ("number", "string"):
            return Literal(token.at, token.value)
        if token.kind == "name" and token.text not in _WORD_SIGNS:
            return self._named(token)
        if token.text == "(":
            node = self._expression(0)
            self._want(")")
            return node
        if token.text == "[":
            return Items(token.at, self._list("]"))
        if token.text == "{":
            return self._pairs(token.at)
        if self._predicates and token.text in ("#", "."):
            return self._element(token)
        self._position -= token.kind != "end"
        raise self._unexpected()

    def _element(self, token: Token) -> Node:
        if token.text == "#":
            return Element(token.at)
        name = self._next()
        if name.kind != "name":
            raise ExpressionError(f'unexpected token "{name.text}"', name.at)
        return Member(name.at, Element(token.at), Literal(name.at, name.text), by_name=True)

    def _named(self, token: Token) -> Node:
        if token.text in _WORDS:
            return Literal(token.at, _WORDS[token.text])
        if self._is("("):
            return self._call(token, ())
        if token.text not in self._names:
            raise ExpressionError(
                f"unknown name {token.text} (known are {', '.join(sorted(self._names))})", token.at
            )
        return Name(token.at, token.text)

    def _call(self, token: Token, first: tuple[Node, ...]) -> Node:
        self._want("(")
        if token.text in PREDICATES:
            return self._each(token, first)
        if token.text not in FUNCTIONS:
            raise ExpressionError(f"unknown function {token.text}", token.at)
        arguments = (*first, *self._list(")"))
        low, high = FUNCTIONS[token.text].arguments
        if not low <= len(arguments) <= high:
            raise ExpressionError(f"wrong number of arguments of {token.text}", token.at)
        return Call(token.at, token.text, arguments)

    def _each(self, token: Token, first: tuple[Node, ...]) -> Node:
        of = first[0] if first else self._expression(0)
        if not first:
            self._want(",")
        self._predicates += 1
        if self._take("{"):
            predicate = self._expression(0)
            self._want("}")
        else:
            predicate = self._expression(0)
        self._predicates -= 1
        self._take(",")
        self._want(")")
        return Each(token.at, token.text, of, predicate)

    def _list(self, end: str) -> tuple[Node, ...]:
        found: list[Node] = []
        while not self._take(end):
            found.append(self._expression(0))
            if not self._take(",") and not self._is(end):
                raise self._unexpected()
        return tuple(found)

    def _pairs(self, at: int) -> Node:
        found: list[tuple[Node, Node]] = []
        while not self._take("}"):
            found.append((self._key(), self._expression(0)))
            if not self._take(",") and not self._is("}"):
                raise self._unexpected()
        return Pairs(at, tuple(found))

    def _key(self) -> Node:
        token = self._next()
        if token.kind not in ("name", "string", "number"):
            raise ExpressionError(f'a map key must be a name, not "{token.text}"', token.at)
        self._want(":")
        return Literal(token.at, token.text if token.value is None else token.value)

    def _postfix(self, node: Node) -> Node:
        while True:
            if self._is(".") or self._is("?."):
                node = self._member(node)
            elif self._is("["):
                node = self._index(node)
            else:
                return node

    def _member(self, of: Node) -> Node:
        optional = self._next().text == "?."
        if optional and self._is("["):
            return self._index(of, optional=True)
        name = self._next()
        if name.kind != "name":
            raise ExpressionError(f'unexpected token "{name.text}"', name.at)
        return Member(name.at, of, Literal(name.at, name.text), optional, by_name=True)

    def _index(self, of: Node, optional: bool = False) -> Node:
        at = self._want("[").at
        first = None if self._is(":") else self._expression(0)
        if self._take(":"):
            end = None if self._is("]") else self._expression(0)
            self._want("]")
            return Slice(at, of, first, end)
        self._want("]")
        if first is None:
            raise self._unexpected()
        return Member(at, of, first, optional)
