"""Control characters in what others named or said: shown, so that no terminal obeys them."""

from __future__ import annotations

import re

# Besides the control characters, what turns the direction of the text behind it around. A tab and
# the end of a line are layout; colours are our own in a text that is laid out already.
_CONTROLS = "[\0-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]"
_FOREIGN = re.compile(_CONTROLS)
_LAID_OUT = re.compile(rf"(?:\x1b\[[\d;]*m)+|{_CONTROLS}")


def visible(text: object) -> str:
    """A name or text from outside; each control character becomes its number, as in JSON."""
    text = str(text)  # what should be a text may be anything in an answer
    return text if text.isprintable() else _FOREIGN.sub(_shown, text)


def laid_out(text: str) -> str:
    """The same for whole lines: those may have colours."""
    return text if text.isprintable() else _LAID_OUT.sub(_kept_or_shown, text)


def _shown(found: re.Match[str]) -> str:
    return f"\\u{ord(found[0]):04x}"


def _kept_or_shown(found: re.Match[str]) -> str:
    return found[0] if len(found[0]) > 1 else _shown(found)
