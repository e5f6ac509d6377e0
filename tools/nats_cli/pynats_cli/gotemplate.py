"""The template language of Go's text/template, as far as command lines need it.

Supported: text, `{{pipelines | with | arguments}}`, fields (`.Name.Other`), variables, strings,
numbers, parentheses, comments, trim markers, `if / else if / else`, `with`, `range` (lists, maps,
integers; `break`, `continue`), and the predefined functions of `gofuncs`. Not supported, and said
so: `define`, `block`, `template`.

A template is parsed into small node objects; each evaluates itself in a `_Scope`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

from pynats_cli.gofuncs import BUILTINS, FunctionError, format_value, is_true

NESTING_MAX = 100
"""Deepest nesting of blocks and parentheses, far below Python's own limit."""


class TemplateError(ValueError):
    """A template that does not parse, or fails while it runs."""


def render(text: str, functions: Mapping[str, Callable[..., Any]], data: Any) -> str:
    """The text with its actions replaced. Raises TemplateError.

    `functions` are called by name (`{{Count}}`, `{{Random 1 5}}`); `data` is what `.` stands for:
    None, a mapping, or an object whose public attributes are the fields.
    """
    if "{{" not in text:
        return text
    nodes = _Parser(text).parse()
    scope = _Scope({**BUILTINS, **functions}, data)
    try:
        _run(nodes, scope)
    except (_Break, _Continue):
        raise TemplateError("break or continue outside of range") from None
    except FunctionError as error:
        raise TemplateError(str(error)) from None
    except RecursionError:
        raise TemplateError("template is nested too deeply") from None
    return "".join(scope.output)


class _Break(Exception):
    pass


class _Continue(Exception):
    pass


class _Scope:
    """What one execution sees: functions, the present dot, variables, and the output so far."""

    def __init__(self, functions: Mapping[str, Callable[..., Any]], data: Any) -> None:
        self.functions = functions
        self.dot = data
        self.variables: list[tuple[str, Any]] = [("$", data)]
        self.output: list[str] = []

    def lookup(self, name: str) -> int:
        for index in range(len(self.variables) - 1, -1, -1):
            if self.variables[index][0] == name:
                return index
        raise TemplateError(f"undefined variable {name!r}")


class _Node(Protocol):
    def run(self, scope: _Scope) -> None: ...


class _Value(Protocol):
    def get(self, scope: _Scope) -> Any: ...


def _run(nodes: Sequence[_Node], scope: _Scope) -> None:
    for node in nodes:
        node.run(scope)


@dataclass
class _Text:
    text: str

    def run(self, scope: _Scope) -> None:
        scope.output.append(self.text)


@dataclass
class _Constant:
    value: Any

    def get(self, scope: _Scope) -> Any:
        return self.value


@dataclass
class _Fields:
    """A chain of fields on dot, a variable or a value in parentheses."""

    base: _Value
    names: list[str]

    def get(self, scope: _Scope) -> Any:
        value = self.base.get(scope)
        for name in self.names:
            value = _field(value, name)
        return value


class _Dot:
    def get(self, scope: _Scope) -> Any:
        return scope.dot


@dataclass
class _Variable:
    name: str

    def get(self, scope: _Scope) -> Any:
        return scope.variables[scope.lookup(self.name)][1]


@dataclass
class _Function:
    name: str


@dataclass
class _Command:
    """A function call with arguments, or a single value."""

    words: list[_Value | _Function]

    def get(self, scope: _Scope, piped: tuple[Any, ...] = ()) -> Any:
        head, arguments = self.words[0], self.words[1:]
        if isinstance(head, _Function):
            return _call(head.name, arguments, piped, scope)
        if arguments or piped:
            raise TemplateError("can't give argument to non-function")
        return head.get(scope)


def _call(
    name: str, words: Sequence[_Value | _Function], piped: tuple[Any, ...], scope: _Scope
) -> Any:
    function = scope.functions.get(name)
    if function is None:
        raise TemplateError(f'function "{name}" not defined')
    values = (_argument(word, scope) for word in words)
    if name in ("and", "or"):
        return _first_deciding(name == "or", values, piped)
    try:
        return function(*values, *piped)
    except TypeError:
        raise TemplateError(f"wrong number or type of args for {name}") from None


def _first_deciding(wanted: bool, values: Iterator[Any], piped: tuple[Any, ...]) -> Any:
    # Later arguments must not be evaluated once the answer is known.
    last: Any = None
    for last in values:
        if is_true(last) is wanted:
            return last
    return piped[0] if piped else last


def _argument(word: _Value | _Function, scope: _Scope) -> Any:
    return _call(word.name, (), (), scope) if isinstance(word, _Function) else word.get(scope)


@dataclass
class _Pipeline:
    """Commands joined by `|`, with an optional `$x :=` or `$x =` in front."""

    commands: list[_Command]
    names: list[str] = field(default_factory=list)
    declares: bool = True

    def get(self, scope: _Scope) -> Any:
        value = self.commands[0].get(scope)
        for command in self.commands[1:]:
            value = command.get(scope, (value,))
        return value

    def assign(self, scope: _Scope, value: Any) -> None:
        for name in self.names:
            if self.declares:
                scope.variables.append((name, value))
            else:
                scope.variables[scope.lookup(name)] = (name, value)


@dataclass
class _Action:
    pipeline: _Pipeline

    def run(self, scope: _Scope) -> None:
        value = self.pipeline.get(scope)
        if self.pipeline.names:
            self.pipeline.assign(scope, value)
        else:
            scope.output.append(format_value(value))


@dataclass
class _Branch:
    """`if` and `with`; `with` also moves dot."""

    pipeline: _Pipeline
    body: list[_Node]
    otherwise: list[_Node]
    moves_dot: bool

    def run(self, scope: _Scope) -> None:
        mark, dot = len(scope.variables), scope.dot
        try:
            value = self.pipeline.get(scope)
            self.pipeline.assign(scope, value)
            if is_true(value):
                if self.moves_dot:
                    scope.dot = value
                _run(self.body, scope)
            else:
                _run(self.otherwise, scope)
        finally:
            scope.dot = dot
            del scope.variables[mark:]


@dataclass
class _Range:
    pipeline: _Pipeline
    body: list[_Node]
    otherwise: list[_Node]

    def run(self, scope: _Scope) -> None:
        mark, dot, ran = len(scope.variables), scope.dot, False
        try:
            for key, value in _items(self.pipeline.get(scope)):
                ran = True
                scope.dot = value
                names = self.pipeline.names
                pairs = zip(names, [value] if len(names) == 1 else [key, value], strict=False)
                scope.variables += list(pairs)
                try:
                    _run(self.body, scope)
                except _Continue:
                    pass
                finally:
                    del scope.variables[mark:]
        except _Break:
            pass
        finally:
            scope.dot = dot
        if not ran:
            _run(self.otherwise, scope)


@dataclass
class _Jump:
    exception: type[Exception]

    def run(self, scope: _Scope) -> None:
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


def _field(value: Any, name: str) -> Any:
    if isinstance(value, Mapping):
        return value.get(name)
    if value is None or name.startswith("_") or not hasattr(value, name):
        raise TemplateError(f"can't evaluate field {name}")
    found = getattr(value, name)
    return found() if callable(found) else found


class _Token(NamedTuple):
    kind: str
    text: str


_TOKEN = re.compile(
    r"""\s*(?:
      (?P<string>"(?:[^"\\\n]|\\.)*"|`[^`]*`)
    | (?P<number>[+-]?(?:0[xX][0-9a-fA-F]+|[0-9]+(?:\.[0-9]*)?(?:[eE][+-]?[0-9]+)?|\.[0-9]+))
    | (?P<fields>(?:\.[A-Za-z_]\w*)+)
    | (?P<variable>\$\w*(?:\.[A-Za-z_]\w*)*)
    | (?P<name>[A-Za-z_]\w*)
    | (?P<symbol>:=|[|(),=.])
    )""",
    re.VERBOSE,
)
_PIECE = re.compile(r"\{\{(-(?=\s))?(.*?)(?:(?<=\s)(-))?\}\}", re.DOTALL)
_COMMENT = re.compile(r"\s*/\*.*\*/\s*", re.DOTALL)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "a": "\a", "b": "\b", "f": "\f", "v": "\v"}
_ESCAPE = re.compile(r"\\(x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|.)", re.DOTALL)


def _tokens(action: str) -> list[_Token]:
    found, position, text = [], 0, action.strip()
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise TemplateError(f"unexpected {text[position : position + 10]!r} in action")
        kind = match.lastgroup or ""
        found.append(_Token(kind, match[kind]))
        position = match.end()
    return found


def _unquote(text: str) -> str:
    if text[0] == "`":
        return text[1:-1]

    def replace(match: re.Match[str]) -> str:
        code = match[1]
        if len(code) > 1:
            try:
                return chr(int(code[1:], 16))
            except ValueError:
                raise TemplateError(f"bad escape in string {text}") from None
        if code in _ESCAPES or code in "\"\\'":
            return _ESCAPES.get(code, code)
        raise TemplateError(f"bad escape in string {text}")

    return _ESCAPE.sub(replace, text[1:-1])


class _Parser:
    """Splits a template into text and actions, and builds the nodes by recursive descent."""

    def __init__(self, text: str) -> None:
        self._pieces: list[str | list[_Token]] = []
        self._split(text)
        self._next = 0
        self._tokens: list[_Token] = []
        self._depth = 0

    def parse(self) -> list[_Node]:
        nodes, ending = self._block()
        if ending:
            raise TemplateError(f"unexpected {{{{{ending}}}}}")
        return nodes

    def _split(self, text: str) -> None:
        position, trim = 0, False
        for match in _PIECE.finditer(text):
            before = text[position : match.start()]
            before = before.lstrip() if trim else before
            self._pieces.append(before.rstrip() if match[1] else before)
            if not _COMMENT.fullmatch(match[2]):
                self._pieces.append(_tokens(match[2]))
            position, trim = match.end(), bool(match[3])
        rest = text[position:]
        if "{{" in rest:
            raise TemplateError("unclosed action")
        self._pieces.append(rest.lstrip() if trim else rest)

    def _block(self) -> tuple[list[_Node], str]:
        """Nodes up to `end` or `else`, and the word that ended them ("" at the end of the text)."""
        nodes: list[_Node] = []
        while self._next < len(self._pieces):
            piece = self._pieces[self._next]
            self._next += 1
            if isinstance(piece, str):
                if piece:
                    nodes.append(_Text(piece))
                continue
            self._tokens = list(piece)
            if not self._tokens:
                raise TemplateError("missing value for command")
            head = self._tokens[0]
            word = head.text if head.kind == "name" else ""
            if word in ("end", "else"):
                del self._tokens[0]
                return nodes, word
            nodes.append(self._statement(word))
        return nodes, ""

    def _statement(self, word: str) -> _Node:
        if word in ("if", "with", "range"):
            del self._tokens[0]
            return self._control(word)
        if word in ("define", "block", "template"):
            raise TemplateError(f"{{{{{word}}}}} is not supported")
        if word in ("break", "continue") and len(self._tokens) == 1:
            return _Jump(_Break if word == "break" else _Continue)
        return _Action(self._whole_pipeline())

    def _control(self, word: str) -> _Node:
        self._enter()
        pipeline = self._whole_pipeline(range_names=word == "range")
        body, ending = self._block()
        otherwise: list[_Node] = []
        if ending == "else":
            if self._tokens:
                head = self._tokens.pop(0)
                if head.text not in ("if", "with") or word == "range":
                    raise TemplateError(f"unexpected {head.text!r} after else")
                # `else if` takes the same `end` as the `if` it belongs to.
                otherwise, ending = [self._control(head.text)], "end"
            else:
                otherwise, ending = self._block()
        if ending != "end":
            raise TemplateError(f"missing {{{{end}}}} of {{{{{word}}}}}")
        self._depth -= 1
        if word == "range":
            return _Range(pipeline, body, otherwise)
        return _Branch(pipeline, body, otherwise, moves_dot=word == "with")

    def _whole_pipeline(self, range_names: bool = False) -> _Pipeline:
        names, declares = self._declaration(range_names)
        pipeline = self._pipeline()
        if self._tokens:
            raise TemplateError(f"unexpected {self._tokens[0].text!r} in action")
        pipeline.names, pipeline.declares = names, declares
        return pipeline

    def _declaration(self, two_allowed: bool) -> tuple[list[str], bool]:
        texts = [token.text for token in self._tokens[:4]]
        kinds = [token.kind for token in self._tokens[:4]]
        if kinds[:1] == ["variable"] and texts[1:2] in ([":="], ["="]):
            del self._tokens[:2]
            return texts[:1], texts[1] == ":="
        pair = kinds[:1] + kinds[2:3] == ["variable", "variable"] and texts[1] == ","
        if two_allowed and pair and texts[3:4] in ([":="], ["="]):
            del self._tokens[:4]
            return [texts[0], texts[2]], texts[3] == ":="
        return [], True

    def _pipeline(self) -> _Pipeline:
        commands = [self._command()]
        while self._tokens and self._tokens[0].text == "|" and self._tokens[0].kind == "symbol":
            del self._tokens[0]
            commands.append(self._command())
        return _Pipeline(commands)

    def _command(self) -> _Command:
        words: list[_Value | _Function] = []
        while self._tokens:
            token = self._tokens[0]
            if token.kind == "symbol" and token.text not in ("(", "."):
                break
            del self._tokens[0]
            words.append(self._word(token))
        if not words:
            raise TemplateError("missing value for command")
        return _Command(words)

    def _word(self, token: _Token) -> _Value | _Function:
        if token.text == "(" and token.kind == "symbol":
            self._enter()
            inner: _Value = self._pipeline()
            if not self._tokens or self._tokens.pop(0).text != ")":
                raise TemplateError("unclosed left paren")
            self._depth -= 1
            if self._tokens and self._tokens[0].kind == "fields":
                return _Fields(inner, self._tokens.pop(0).text[1:].split("."))
            return inner
        if token.kind == "string":
            return _Constant(_unquote(token.text))
        if token.kind == "number":
            return _Constant(_number(token.text))
        if token.kind == "fields":
            return _Fields(_Dot(), token.text[1:].split("."))
        if token.kind == "variable":
            name, *names = token.text.split(".")
            return _Fields(_Variable(name), names)
        if token.kind == "name":
            constants = {"true": True, "false": False, "nil": None}
            known = token.text in constants
            return _Constant(constants[token.text]) if known else _Function(token.text)
        return _Dot()

    def _enter(self) -> None:
        self._depth += 1
        if self._depth > NESTING_MAX:
            raise TemplateError("template is nested too deeply")


def _number(text: str) -> int | float:
    try:
        return int(text, 16 if "x" in text.lower() else 10)
    except ValueError:
        return float(text)
