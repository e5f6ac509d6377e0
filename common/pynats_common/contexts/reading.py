"""The text of a context becomes one.

Like Go, fields are read whatever the case of their letters; the last of several counts, and null is
no value. Those this version does not know are kept.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pynats_common.contexts.context import FIELD_TYPES, Context, ContextError
from pynats_common.files import SECRET_MAX, read_whole


def parse_context(text: str | bytes, name: str = "", path: str = "") -> Context:
    """A context from its JSON text, as stored (nothing expanded). Raises ContextError."""
    where = f'context "{name}"' if name else "context"
    try:
        data = json.loads(text, object_pairs_hook=_Object)
    except ValueError as error:
        raise ContextError(f"{where} is not valid JSON: {error}") from None
    except RecursionError:
        raise ContextError(f"{where} is not valid JSON: nested too deeply") from None
    if not isinstance(data, _Object):
        raise ContextError(f"{where} is not a JSON object")
    known: dict[str, Any] = {}
    unknown: dict[str, Any] = {}
    for given, value in data.pairs:
        key = _folded(given)
        if key not in FIELD_TYPES:
            if key != "name":
                unknown[given] = value
            continue
        if value is None:
            continue
        if not isinstance(value, FIELD_TYPES[key]):
            raise ContextError(f'{where}: field "{key}" has the wrong type')
        if isinstance(value, str) and any("\ud800" <= char <= "\udfff" for char in value):
            raise ContextError(f'{where}: field "{key}" is not valid Unicode')
        known[key] = value
    return Context(**known, name=name, path=path, unknown=unknown)


class _Object(dict[str, Any]):
    """A JSON object that remembers the order of its members, equal names included."""

    def __init__(self, pairs: list[tuple[str, Any]]) -> None:
        super().__init__(pairs)
        self.pairs = pairs


def _folded(name: str) -> str:
    """The name without the case of its letters, letter by letter, as Go compares names."""
    letters = (letter.casefold() for letter in name)
    return "".join(folded if len(folded) == 1 else "\0" for folded in letters)


def load_context_file(path: Path) -> Context:
    """A context from any file; its name is the file's without `.json`."""
    try:
        text = read_whole(path, SECRET_MAX)
    except OSError as error:
        raise ContextError(f"cannot read context {path}: {error.strerror}") from None
    return parse_context(text, name=path.stem, path=str(path))
