"""Computes an expression over given data.

Nothing of Python is reachable from an expression: only literals, the given data (numbers, texts,
lists, maps), and the functions of the table.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from pynats_cli.expressions import nodes
from pynats_cli.expressions.errors import ExpressionError
from pynats_cli.expressions.functions import FUNCTIONS
from pynats_cli.expressions.operators import binary, unary
from pynats_cli.expressions.parser import parse
from pynats_cli.expressions.values import WrongType, kind

_BUDGET = 1_000_000  # elements of all lists that one evaluation may make or look at


def compile_expression(
    text: str, names: Iterable[str], aliases: Mapping[str, str] | None = None
) -> Expression:
    """An expression over data with these names. Raises ExpressionError.

    `aliases` gives other spellings of members, both without underscores and in small letters.
    """
    return Expression(parse(text, frozenset(names)), aliases or {})


class Expression:
    """A checked expression."""

    def __init__(self, root: nodes.Node, aliases: Mapping[str, str]) -> None:
        self._root = root
        self._aliases = aliases

    def value(self, data: Mapping[str, Any]) -> object:
        """What it comes to. Raises ExpressionError."""
        try:
            return _Evaluation(data, self._aliases).of(self._root)
        except RecursionError:
            raise ExpressionError("nested too deep", self._root.at) from None

    def matches(self, data: Mapping[str, Any]) -> bool:
        """Whether it is true. Raises ExpressionError, also when it is neither true nor false."""
        found = self.value(data)
        if not isinstance(found, bool):
            raise ExpressionError(
                f"must be true or false, but it is of type {kind(found)}", self._root.at
            )
        return found


def _plain(name: str) -> str:
    return name.replace("_", "").lower()


class _Evaluation:
    def __init__(self, data: Mapping[str, Any], aliases: Mapping[str, str]) -> None:
        self._data = data
        self._aliases = aliases
        self._elements: list[object] = []
        self._spent = 0

    def _spend(self, count: int, at: int) -> None:
        self._spent += count
        if self._spent > _BUDGET:
            raise ExpressionError(f"computes more than {_BUDGET} elements", at)

    def of(self, node: nodes.Node) -> Any:
        return getattr(self, f"_{type(node).__name__.lower()}")(node)

    def _literal(self, node: nodes.Literal) -> object:
        return node.value

    def _items(self, node: nodes.Items) -> object:
        return [self.of(item) for item in node.items]

    def _pairs(self, node: nodes.Pairs) -> object:
        return {self.of(key): self.of(value) for key, value in node.pairs}

    def _name(self, node: nodes.Name) -> object:
        return self._data.get(node.name)

    def _element(self, node: nodes.Element) -> object:
        return self._elements[-1]

    def _member(self, node: nodes.Member) -> object:
        of, key = self.of(node.of), self.of(node.key)
        if of is None and node.optional:
            return None
        if isinstance(of, dict) and isinstance(key, str):
            return self._field(of, key) if node.by_name else of.get(key)
        if isinstance(of, (list, str)) and isinstance(key, int) and not isinstance(key, bool):
            if -len(of) <= key < len(of):
                return of[key]
            raise ExpressionError(f"index out of range: {key} of {len(of)}", node.at)
        raise ExpressionError(f"cannot fetch {key} from {kind(of)}", node.at)

    def _field(self, of: dict[str, Any], name: str) -> object:
        if name in of:
            return of[name]
        plain = _plain(name)
        wanted = (plain, self._aliases.get(plain))
        return next((value for key, value in of.items() if _plain(key) in wanted), None)

    def _slice(self, node: nodes.Slice) -> object:
        of = self.of(node.of)
        bounds = [None if end is None else self.of(end) for end in (node.first, node.end)]
        whole = all(end is None or type(end) is int for end in bounds)
        if not isinstance(of, (list, str)) or not whole:
            raise ExpressionError(f"cannot slice {kind(of)}", node.at)
        return of[bounds[0] : bounds[1]]

    def _unary(self, node: nodes.Unary) -> object:
        value = self.of(node.of)
        try:
            return unary(node.sign, value)
        except WrongType:
            raise ExpressionError(
                f"invalid operation: {node.sign} {kind(value)}", node.at
            ) from None

    def _binary(self, node: nodes.Binary) -> object:
        left = self.of(node.left)
        if node.sign in ("and", "or"):
            return self._logic(node, left)
        if node.sign == "??":
            return self.of(node.right) if left is None else left
        right = self.of(node.right)
        try:
            found = binary(node.sign, left, right)
            if isinstance(found, list):
                self._spend(len(found), node.at)
            return found
        except WrongType:
            text = f"invalid operation: {kind(left)} {node.sign} {kind(right)}"
        except re.error as error:
            text = f"error parsing regexp: {error}"
        except ZeroDivisionError:
            text = "division by zero"
        except (ValueError, OverflowError) as error:
            text = str(error)
        raise ExpressionError(text, node.at)

    def _logic(self, node: nodes.Binary, left: object) -> bool:
        for_sure = node.sign == "or"
        right = left if left is for_sure else self.of(node.right)
        if not isinstance(left, bool) or not isinstance(right, bool):
            raise ExpressionError(
                f"invalid operation: {kind(left)} {node.sign} {kind(right)}", node.at
            )
        return right

    def _choose(self, node: nodes.Choose) -> object:
        condition = self.of(node.condition)
        if not isinstance(condition, bool):
            raise ExpressionError(f"the condition is of type {kind(condition)}", node.at)
        return self.of(node.yes if condition else node.no)

    def _call(self, node: nodes.Call) -> object:
        values = [self.of(argument) for argument in node.arguments]
        try:
            return FUNCTIONS[node.name].run(*values)
        except WrongType:
            shown = ", ".join(kind(value) for value in values)
            text = f"invalid argument for {node.name} (type {shown})"
        except (ValueError, OverflowError) as error:
            text = f"{node.name}: {error}"
        raise ExpressionError(text, node.at)

    def _each(self, node: nodes.Each) -> object:
        of = self.of(node.of)
        if not isinstance(of, list):
            raise ExpressionError(f"invalid argument for {node.name} (type {kind(of)})", node.at)
        self._spend(len(of), node.at)
        answers = [self._asked(node, element) for element in of]
        if node.name == "map":
            return answers
        for answer in answers:
            if not isinstance(answer, bool):
                raise ExpressionError(f"the predicate is of type {kind(answer)}", node.predicate.at)
        yes = sum(1 for answer in answers if answer)
        if node.name == "filter":
            return [element for element, answer in zip(of, answers, strict=True) if answer]
        return {
            "all": yes == len(of), "any": yes > 0, "none": yes == 0, "one": yes == 1, "count": yes,
        }[node.name]  # fmt: skip

    def _asked(self, node: nodes.Each, element: object) -> object:
        self._elements.append(element)
        try:
            return self.of(node.predicate)
        finally:
            self._elements.pop()
