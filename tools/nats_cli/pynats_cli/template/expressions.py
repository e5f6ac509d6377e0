"""The parts of a template that have a value: constants, fields, variables, calls, pipelines.

Each evaluates itself in a `Scope`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from pynats_cli.template.errors import TemplateError
from pynats_cli.template.values import is_true

TURNS_MAX = 1_000_000
"""Turns of all loops of a template: it may come with a bundle, and never end otherwise."""
TEXT_MAX = 64 * 1024 * 1024
"""Characters of what one function makes, and of the whole."""


class Scope:
    """The state of one execution: functions, the current dot, variables, and the output so far."""

    def __init__(
        self,
        functions: Mapping[str, Callable[..., Any]],
        data: Any,
        written: Callable[[str], str] = str,
    ) -> None:
        self.functions = functions
        self.dot = data
        self.variables: list[tuple[str, Any]] = [("$", data)]
        self.written = written
        self._turns = self._size = 0
        self.output: list[str] = []

    def write(self, text: str) -> None:
        """Adds to the output. Raises TemplateError."""
        self._size += len(text)
        if self._size > TEXT_MAX:
            raise TemplateError(f"more than {TEXT_MAX} characters")
        self.output.append(text)

    def turn(self) -> None:
        """Counts a turn of a loop. Raises TemplateError."""
        self._turns += 1
        if self._turns > TURNS_MAX:
            raise TemplateError(f"more than {TURNS_MAX} turns of range")

    def lookup(self, name: str) -> int:
        for index in range(len(self.variables) - 1, -1, -1):
            if self.variables[index][0] == name:
                return index
        raise TemplateError(f"undefined variable {name!r}")


class Value(Protocol):
    """Anything that has a value."""

    def get(self, scope: Scope) -> Any: ...


@dataclass
class Constant:
    value: Any

    def get(self, scope: Scope) -> Any:
        return self.value


class Nil:
    """`nil`: an argument, never a command of its own."""

    def get(self, scope: Scope) -> Any:
        return None


@dataclass
class Fields:
    """A chain of fields on dot, a variable or a value in parentheses."""

    base: Value
    names: list[str]

    def get(self, scope: Scope) -> Any:
        value = self.base.get(scope)
        for name in self.names:
            value = _field(value, name)
        return value


class Dot:
    def get(self, scope: Scope) -> Any:
        return scope.dot


@dataclass
class Variable:
    name: str

    def get(self, scope: Scope) -> Any:
        return scope.variables[scope.lookup(self.name)][1]


@dataclass
class Function:
    name: str


@dataclass
class Command:
    """A function call with arguments, or a single value."""

    words: list[Value | Function]

    def get(self, scope: Scope, piped: tuple[Any, ...] = ()) -> Any:
        head, arguments = self.words[0], self.words[1:]
        if isinstance(head, Function):
            return _call(head.name, arguments, piped, scope)
        if isinstance(head, Nil):
            raise TemplateError("nil is not a command")
        if arguments or piped:
            raise TemplateError("can't give argument to non-function")
        return head.get(scope)


def _call(
    name: str, words: Sequence[Value | Function], piped: tuple[Any, ...], scope: Scope
) -> Any:
    function = scope.functions[name]
    values = (_argument(word, scope) for word in words)
    if name in ("and", "or"):
        if not (words or piped):
            raise TemplateError(f"wrong number of args for {name}: want at least 1 got 0")
        return _first_deciding(name == "or", values, piped)
    try:
        made = function(*values, *piped)
    except TypeError:
        raise TemplateError(f"wrong number or type of args for {name}") from None
    if isinstance(made, str) and len(made) > TEXT_MAX:
        raise TemplateError(f"{name} makes a text of more than {TEXT_MAX} characters")
    return made


def _first_deciding(wanted: bool, values: Iterator[Any], piped: tuple[Any, ...]) -> Any:
    # Later arguments must not be evaluated when the result is known.
    last: Any = None
    for last in values:
        if is_true(last) is wanted:
            return last
    return piped[0] if piped else last


def _argument(word: Value | Function, scope: Scope) -> Any:
    return _call(word.name, (), (), scope) if isinstance(word, Function) else word.get(scope)


@dataclass
class Pipeline:
    """Commands joined by `|`, with an optional `$x :=` or `$x =` in front."""

    commands: list[Command]
    names: list[str] = field(default_factory=list)
    declares: bool = True

    def get(self, scope: Scope) -> Any:
        value = self.commands[0].get(scope)
        for command in self.commands[1:]:
            value = command.get(scope, (value,))
        return value

    def assign(self, scope: Scope, value: Any) -> None:
        for name in self.names:
            if self.declares:
                scope.variables.append((name, value))
            else:
                scope.variables[scope.lookup(name)] = (name, value)


def _field(value: Any, name: str) -> Any:
    if isinstance(value, Mapping):
        return value.get(name)
    if value is None or name.startswith("_") or not hasattr(value, name):
        raise TemplateError(f"can't evaluate field {name}")
    found = getattr(value, name)
    return found() if callable(found) else found
