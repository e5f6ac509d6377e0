"""Commands declare their arguments and flags as the fields of a dataclass:

    @dataclass(kw_only=True)
    class Info:
        stream: Annotated[str, arg("Stream to show")]
        max_age: Annotated[int | None, opt("--max-age", help="...", kind=DURATION)] = None

A field without a default is required. Lists and dictionaries collect repeated values. A `bool` is a
switch; `bool | None` with the flags `--x/--no-x` is also None when it is not given. A field `given`
(a `frozenset[str]`, not declared) gets the names of the fields that were given.
"""

from __future__ import annotations

import dataclasses
import inspect
import types
import typing
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pynats_common.commandline.kinds import FLOAT, INTEGER, TEXT, Kind


@dataclass(frozen=True)
class Declared:
    """What the annotation of a field says. `flags` are empty for an argument by position."""

    flags: tuple[str, ...]
    help: str
    kind: Kind
    placeholder: str = ""
    hidden: bool = False
    env: str = ""
    panel: str = ""
    ask: str = ""
    bare: str | None = None
    takes: Callable[[str], bool] | None = None
    behind: bool = False


def opt(
    *flags: str,
    help: str = "",
    kind: Kind = TEXT,
    placeholder: str = "",
    hidden: bool = False,
    env: str = "",
    panel: str = "",
    ask: str = "",
    bare: str | None = None,
    takes: Callable[[str], bool] | None = None,
) -> Any:
    """A flag. `env` is a variable whose value counts when the flag is absent, `panel` the heading
    in help, `ask` the question of an interactive mode, `bare` the value of a flag without one: its
    value is attached to it (`--flag=value`), or is the next word if `takes` says so of it."""
    return Declared(flags, help, kind, placeholder, hidden, env, panel, ask, bare, takes)


def arg(
    help: str = "",
    kind: Kind = TEXT,
    placeholder: str = "",
    hidden: bool = False,
    behind: bool = False,
) -> Any:
    """An argument by position, in the order of the fields; `behind` says that it has flags of its
    own, and is written behind `--`."""
    return Declared((), help, kind, placeholder, hidden, behind=behind)


@dataclass(frozen=True)
class Parameter:
    """A declared field of an options class."""

    name: str
    declared: Declared
    type: Any
    required: bool
    default: Any

    @property
    def positional(self) -> bool:
        return not self.declared.flags

    @property
    def switch(self) -> bool:
        """True for a flag without a value."""
        return bool in _members(self.type)

    @property
    def many(self) -> bool:
        """True when values are collected."""
        return any(typing.get_origin(item) in (list, dict) for item in _members(self.type))

    @property
    def mapping(self) -> bool:
        return any(typing.get_origin(item) is dict for item in _members(self.type))

    @property
    def kind(self) -> Kind:
        """The declared kind; numbers need none declared."""
        declared = self.declared.kind
        if declared is TEXT and int in _members(self.type):
            return INTEGER
        return FLOAT if declared is TEXT and float in _members(self.type) else declared

    @property
    def shown_name(self) -> str:
        """How complaints and help call it: `--max-age`, `stream`."""
        if self.positional:
            return self.declared.placeholder or self.name
        long = [flag for flag in self.declared.flags if flag.startswith("--")]
        return (long or list(self.declared.flags))[0].split("/")[0]

    @property
    def default_text(self) -> str:
        """What counts when it is not given, as it would be written; empty when that is nothing, or
        stands for something else (-1)."""
        value = self.default
        if self.required or self.switch or not isinstance(value, (int, float, str)):
            return ""
        if not value or (not isinstance(value, str) and value < 0):
            return ""
        return self.kind.spell(value)

    def spellings(self) -> list[str]:
        """Every way to write the flag."""
        return [part for flag in self.declared.flags for part in flag.split("/")]

    def value_of(self, texts: list[str]) -> Any:
        """The field's value. Raises ValueError."""
        values = [self.kind.parse(text) for text in texts]
        if self.mapping:
            return dict(values)
        if self.many:
            return [
                item for value in values
                for item in (value if isinstance(value, list) else [value])
            ]  # fmt: skip
        return values[-1]


def _members(hint: Any) -> tuple[Any, ...]:
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        return typing.get_args(hint)
    return (hint,)


def parameters(options: type[Any]) -> tuple[Parameter, ...]:
    """The declared fields of an options class: arguments first, then flags, as they were written;
    what it inherits comes after its own flags, and the farther from it, the later."""
    if options not in _read:
        _read[options] = _parameters(options)
    return _read[options]


_read: dict[type[Any], tuple[Parameter, ...]] = {}  # parsing, help and suggestions ask again


def _parameters(options: type[Any]) -> tuple[Parameter, ...]:
    hints = typing.get_type_hints(options, include_extras=True)
    found: list[Parameter] = []
    for item in dataclasses.fields(options):
        hint = hints[item.name]
        declared = next(
            (part for part in getattr(hint, "__metadata__", ()) if isinstance(part, Declared)), None
        )
        if declared is None:
            continue
        required = (
            item.default is dataclasses.MISSING and item.default_factory is dataclasses.MISSING
        )
        default = item.default if item.default is not dataclasses.MISSING else None
        if item.default_factory is not dataclasses.MISSING:
            default = item.default_factory()
        kind = typing.get_args(hint)[0]
        found.append(Parameter(item.name, declared, kind, required, default))
    levels = [list(inspect.get_annotations(level)) for level in options.__mro__]
    own = levels[0]

    def place(each: Parameter) -> tuple[bool, int, int]:
        at = own.index(each.name) if each.name in own else len(own)
        if each.positional:
            return False, at, 0
        return True, next(i for i, names in enumerate(levels) if each.name in names), at

    return tuple(sorted(found, key=place))
