"""The parts of a template that write: text, actions, `if`, `with`, `range`, and their jumps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from pynats_cli.template.errors import TemplateError
from pynats_cli.template.expressions import Pipeline, Scope
from pynats_cli.template.values import format_value, is_true


class Break(Exception):
    """Leaves the innermost `range`."""


class Continue(Exception):
    """Continues with the next item of the innermost `range`."""


class Node(Protocol):
    """Anything that writes."""

    def run(self, scope: Scope) -> None: ...


def run_all(nodes: Sequence[Node], scope: Scope) -> None:
    """Runs nodes in order. Raises TemplateError, or Break and Continue for the loop."""
    for node in nodes:
        node.run(scope)


@dataclass
class Text:
    text: str

    def run(self, scope: Scope) -> None:
        scope.write(self.text)


@dataclass
class Action:
    pipeline: Pipeline

    def run(self, scope: Scope) -> None:
        value = self.pipeline.get(scope)
        if self.pipeline.names:
            self.pipeline.assign(scope, value)
        else:
            scope.write(scope.written(format_value(value)))


@dataclass
class Branch:
    """`if` and `with`; `with` also moves dot."""

    pipeline: Pipeline
    body: list[Node]
    otherwise: list[Node]
    moves_dot: bool

    def run(self, scope: Scope) -> None:
        mark, dot = len(scope.variables), scope.dot
        try:
            value = self.pipeline.get(scope)
            self.pipeline.assign(scope, value)
            if is_true(value):
                if self.moves_dot:
                    scope.dot = value
                run_all(self.body, scope)
            else:
                run_all(self.otherwise, scope)
        finally:
            scope.dot = dot
            del scope.variables[mark:]


@dataclass
class Range:
    pipeline: Pipeline
    body: list[Node]
    otherwise: list[Node]

    def run(self, scope: Scope) -> None:
        mark, dot, ran = len(scope.variables), scope.dot, False
        try:
            names = self.pipeline.names
            ranged = self.pipeline.get(scope)
            if len(names) > 1 and isinstance(ranged, int):
                raise TemplateError(
                    f"can't use {format_value(ranged)} to iterate over more than one variable"
                )
            for key, value in _items(ranged):
                ran = True
                scope.turn()
                scope.dot = value
                pairs = zip(names, [value] if len(names) == 1 else [key, value], strict=False)
                for name, one in pairs:
                    if self.pipeline.declares:
                        scope.variables.append((name, one))
                    else:
                        scope.variables[scope.lookup(name)] = (name, one)
                try:
                    run_all(self.body, scope)
                except Continue:
                    pass
                finally:
                    del scope.variables[mark:]
        except Break:
            pass
        finally:
            scope.dot = dot
        if not ran:
            run_all(self.otherwise, scope)


@dataclass
class Jump:
    exception: type[Exception]

    def run(self, scope: Scope) -> None:
        raise self.exception


def _items(value: Any) -> Iterator[tuple[Any, Any]]:
    if isinstance(value, Mapping):
        return iter(sorted(value.items(), key=lambda item: str(item[0])))
    if isinstance(value, int) and not isinstance(value, bool):
        return ((number, number) for number in range(value))
    if isinstance(value, (list, tuple)):
        return iter(enumerate(value))
    if value is None:
        return iter(())
    raise TemplateError(f"range can't iterate over {format_value(value)}")
