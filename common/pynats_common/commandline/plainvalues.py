"""Values of a command line that are what they shall be: most are texts, and stay texts.

Newer releases of Typer convert every value with pydantic, also texts and defaults, and importing
pydantic takes longer than most commands run. Texts, whole numbers and what has its type already are
taken as they are; the rest, and everything that is wrong, is still Typer's.
"""

from __future__ import annotations

import re
from functools import partial
from typing import Any

_CONVERT = object()
_WHOLE = re.compile(r"[+-]?[0-9]{1,18}\Z")


def with_plain_values(params: list[Any]) -> list[Any]:
    """These parameters of a Typer command, which now take plain values as they are."""
    for param in params:
        kind = getattr(param, "type_descriptor", None)
        # Older releases have no such descriptor, and do not use pydantic.
        known = hasattr(kind, "annotation") and hasattr(kind, "parameter_info")
        if known and not isinstance(param.process_value, partial):
            param.process_value = partial(_process, param, param.process_value, kind)
    return params


def _process(param: Any, convert: Any, kind: Any, ctx: Any, value: Any) -> Any:
    plain = _as_it_is(kind, value, param.multiple or param.nargs == -1)
    if plain is _CONVERT or (param.required and param.value_is_missing(plain)):
        return convert(ctx, value)
    return param.callback(ctx, param, plain) if param.callback is not None else plain


def _as_it_is(kind: Any, value: Any, many: bool) -> Any:
    """The value as its conversion would give it, or `_CONVERT`."""
    annotation, info = kind.annotation, kind.parameter_info
    if value is None:
        return () if many else None
    if many:
        texts = isinstance(value, (list, tuple)) and all(type(item) is str for item in value)
        return list(value) if texts and annotation == list[str] else _CONVERT
    own = bool(getattr(info, "parser", None) or getattr(info, "click_type", None))
    if type(value) is annotation and not (own and annotation is str):
        return value
    if annotation is int and not own and isinstance(value, str) and _WHOLE.match(value):
        low, high, number = getattr(info, "min", None), getattr(info, "max", None), int(value)
        if (low is None or number >= low) and (high is None or number <= high):
            return number
    return _CONVERT
