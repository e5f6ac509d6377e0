"""\"Did you mean …?\" for names that do not exist: keys, flags, commands."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

_CLOSE = 0.7  # similarity of 0 to 1 from which a name is worth suggesting
_LONGEST = 64  # characters; comparing longer texts costs time, and they are no slips


def closest(word: str, names: Iterable[str]) -> str:
    """The name that `word` was probably meant to be, in any case; "" if none is near."""
    from difflib import SequenceMatcher, get_close_matches

    if len(word) > _LONGEST:
        return ""
    known = {name.lower(): name for name in names}
    low = word.lower()

    def likeness(name: str) -> float:
        # Of equally near names, that with the same letters or the same beginning is meant.
        swapped, begun = sorted(name) == sorted(low), name[:1] == low[:1]
        return SequenceMatcher(None, name, low).ratio() + 0.1 * swapped + 0.05 * begun

    found = sorted(get_close_matches(low, known, n=5, cutoff=_CLOSE), key=likeness)
    return known[found[-1]] if found and known[found[-1]] != word else ""


def did_you_mean(word: str, names: Iterable[str], quotes: str = '"') -> str:
    """` (did you mean "port"?)`, to be appended to the complaint; "" without a suggestion."""
    name = closest(word, names)
    return f" (did you mean {quotes}{name}{quotes}?)" if name else ""


def complaint(error: Any, more_options: Iterable[str] = ()) -> str:
    """The text of a parser's error, with our suggestion for an unknown option. `error` is the
    command line library's; `more_options` are known besides the command's own."""
    wrong = getattr(error, "option_name", None)
    if wrong is None or not hasattr(error, "possibilities"):
        text: str = getattr(error, "format_message", error.__str__)()
        return re.sub(r"\. Did you mean (.*)\?$", r" (did you mean \1?)", text).rstrip(".")
    ctx = getattr(error, "ctx", None)
    params = ctx.command.params if ctx is not None else ()
    options = [name for param in params for name in (*param.opts, *param.secondary_opts)]
    dashed = [name for name in (*options, *more_options, "--help") if name.startswith("--")]
    return f"No such option: {wrong}{did_you_mean(wrong, dashed, '')}"
