"""The part of Go's text/template language that command lines need.

Supported: text, `{{pipelines | with | arguments}}`, fields (`.Name.Other`), variables, strings,
numbers, parentheses, comments, trim markers, `if / else if / else`, `with`, `range` (lists, maps,
integers; `break`, `continue`), and the predefined functions of `functions`. Refused with an error:
`define`, `block`, `template`.

A template is parsed into small node objects (`parser`); each evaluates itself in a `Scope`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from pynats_cli.template.errors import TemplateError
from pynats_cli.template.expressions import Scope
from pynats_cli.template.functions import BUILTINS
from pynats_cli.template.parser import Parser
from pynats_cli.template.statements import Break, Continue, run_all


@lru_cache(maxsize=128)
def _parsed(text: str, names: frozenset[str]) -> list[Any]:
    """The nodes of a template; a message repeats it many times."""
    return Parser(text, dict.fromkeys(names)).parse()


def render(
    text: str,
    functions: Mapping[str, Callable[..., Any]],
    data: Any,
    written: Callable[[str], str] = str,
) -> str:
    """The text with its actions replaced. Raises TemplateError.

    `functions` are called by name (`{{Count}}`, `{{Random 1 5}}`); `data` is what `.` stands for:
    None, a mapping, or an object whose public attributes are the fields. `written` is
    what becomes of the text of each action.
    """
    if "{{" not in text:
        return text
    known = {**BUILTINS, **functions}
    nodes = _parsed(text, frozenset(known))
    scope = Scope(known, data, written)
    try:
        run_all(nodes, scope)
    except (Break, Continue):
        raise TemplateError("break or continue outside of range") from None
    except RecursionError:
        raise TemplateError("template is nested too deeply") from None
    return "".join(scope.output)
