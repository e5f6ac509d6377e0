"""Reads a command's arguments into its options class, through Typer.

Typer sees texts only: values are converted here, so that every kind of value is read, and
complained of, in one way, whatever release of Typer is installed.
"""

from __future__ import annotations

import inspect
import os
import re
from collections import deque
from collections.abc import Iterable, Sequence
from typing import Any

from pynats_common.commandline.declare import Parameter, parameters
from pynats_common.commandline.plainvalues import with_plain_values
from pynats_common.commandline.suggest import complaint

_TRUE, _FALSE = ("true", "t", "1"), ("false", "f", "0")


class BadUsageError(Exception):
    """The arguments cannot be understood: an unknown flag, something missing or too much."""


class BadValueError(Exception):
    """The value of an argument or flag is wrong; the text names it."""


def wants_help(arguments: Sequence[str]) -> bool:
    """True when the arguments ask for help instead of work."""
    before = list(arguments)
    if "--" in before:
        del before[before.index("--") :]
    return any(word in ("-h", "--help") for word in before)


def parse(options: type[Any], arguments: Sequence[str], more_flags: Iterable[str] = ()) -> Any:
    """An instance of the options class.

    `more_flags` are known besides the command's own, for suggestions. Raises BadUsageError and
    BadValueError.
    """
    declared = parameters(options)
    texts = _texts(declared, _rewritten(declared, arguments), more_flags)
    values: dict[str, Any] = {}
    given: set[str] = set()
    for parameter in declared:
        read = texts.get(parameter.name)
        if read is not None and read != [] and read != ():
            given.add(parameter.name)
        elif parameter.declared.env and (from_env := os.environ.get(parameter.declared.env)):
            read = from_env
        else:
            if parameter.required:
                raise BadUsageError(_missing(parameter))
            continue
        if parameter.switch:
            values[parameter.name] = read
            continue
        try:
            values[parameter.name] = parameter.value_of([read] if isinstance(read, str) else read)
        except ValueError as error:
            raise BadValueError(f"{parameter.shown_name}: {error}") from None
    if "given" in options.__dataclass_fields__:
        values["given"] = frozenset(given)
    return options(**values)


def _missing(parameter: Parameter) -> str:
    what = "argument" if parameter.positional else "flag"
    return f"required {what} '{parameter.shown_name}' not provided"


def _texts(
    declared: Sequence[Parameter], arguments: Sequence[str], more_flags: Iterable[str]
) -> dict[str, Any]:
    import typer
    from typer.core import TyperCommand

    taken: dict[str, Any] = {}

    class Reader(TyperCommand):
        def get_params(self, ctx: Any) -> list[Any]:
            return with_plain_values(super().get_params(ctx))

    def command(**values: Any) -> None:
        taken.update(values)

    command.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [_signed(parameter) for parameter in declared]
    )
    command.__annotations__ = {item.name: _plain_type(item) for item in declared}
    app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
    app.command(cls=Reader, add_help_option=False)(command)
    try:
        typer.main.get_command(app).main(list(arguments), standalone_mode=False)
    except Exception as error:
        # Usage errors of the parser; its library depends on the version of Typer.
        if not hasattr(error, "format_message"):
            raise
        text = _readable(complaint(error, more_flags))
        if hasattr(error, "option_name"):
            text += "".join(
                f" (flags of the {item.shown_name} stand behind --)"
                for item in declared
                if item.declared.behind
            )
        raise BadUsageError(text) from None
    return taken


def _readable(text: str) -> str:
    # "Got unexpected extra argument (b)" is the parser's, and good enough but for its case.
    extra = re.match(r"Got unexpected extra argument(?:s|\(s\))? \((.*)\)$", text, re.DOTALL)
    return f"unexpected '{extra[1]}'" if extra else text


def _plain_type(parameter: Parameter) -> Any:
    if parameter.switch:
        return bool | None
    return (list[str] | None) if parameter.many else (str | None)


def _signed(parameter: Parameter) -> inspect.Parameter:
    import typer

    if parameter.positional:
        info = typer.Argument(None, show_default=False)
    else:
        info = typer.Option(None, *parameter.declared.flags, show_default=False)
    return inspect.Parameter(
        parameter.name,
        inspect.Parameter.KEYWORD_ONLY,
        annotation=_plain_type(parameter),
        default=info,
    )


def _rewritten(declared: Sequence[Parameter], arguments: Sequence[str]) -> list[str]:
    """Accepts `--switch=true|false`, and flags whose value may be left out."""
    switches = {name: item for item in declared if item.switch for name in item.spellings()}
    bare = {
        name: item.declared
        for item in declared
        if item.declared.bare is not None
        for name in item.spellings()
    }
    result: list[str] = []
    queue = deque(arguments)
    while queue:
        text = queue.popleft()
        if text == "--":
            result += [text, *queue]
            break
        name, equals, value = text.partition("=")
        if equals and name in switches and value.lower() in (*_TRUE, *_FALSE):
            result += _switched(switches[name], name, value.lower() in _TRUE)
        elif text in bare:
            takes = bare[text].takes
            attached = queue.popleft() if takes and queue and takes(queue[0]) else bare[text].bare
            result.append(f"{text}={attached}")
        else:
            result.append(text)
    return result


def _switched(parameter: Parameter, name: str, wanted: bool) -> list[str]:
    pairs = [flag.split("/") for flag in parameter.declared.flags]
    for pair in pairs:
        if name in pair:
            on = pair.index(name) == 0
            if on == wanted:
                return [pair[0]]
            return [pair[1]] if len(pair) > 1 else []
    return [name] if wanted else []
