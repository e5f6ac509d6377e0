"""Options that a program wrote itself: every field is of its type, or an error names it."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import msgspec

from pynats_server.options import Options

# How msgspec names the place and the types of a value that does not fit.
_PLACE = re.compile(r" - at `\$\.?(?P<path>[^`]*)`$")


def checked(options: Options) -> Options:
    """A copy of `options`, paths given as strings made `Path`. Raises `ValueError`, which names the
    field, for a value of another type than the field's."""
    try:
        plain = msgspec.to_builtins(options, enc_hook=_plain_of)
        return msgspec.convert(plain, Options, dec_hook=_path_of)
    except (TypeError, msgspec.ValidationError) as error:
        text = str(error)
        place = _PLACE.search(text)
        field = place["path"].replace("[...]", "") if place else "options"
        problem = text[: place.start()] if place else text
        problem = problem.replace("`null`", "None").replace("`object`", "an object")
        raise ValueError(f"{field}: {problem[:1].lower()}{problem[1:]}".replace("`", "")) from None


def _plain_of(value: Any) -> Any:
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    return {}  # no option's value: `convert` refuses it and knows the field


def _path_of(kind: type, value: Any) -> Any:
    if kind is Path and isinstance(value, str):
        return Path(value)
    raise TypeError(f"Expected `path`, got `{type(value).__name__}`")  # msgspec adds the field
