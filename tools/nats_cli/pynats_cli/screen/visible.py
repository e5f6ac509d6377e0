"""Control characters in what others named or said: shown, so that no terminal obeys them."""

from __future__ import annotations

from pynats_common.commandline.untrusted import harmless, harmless_screen


def visible(text: object) -> str:
    """A name or text from outside; each control character becomes its number, as in JSON."""
    return harmless(str(text))  # what should be a text may be anything in an answer


def laid_out(text: str) -> str:
    """The same for whole lines: those may have colours."""
    return harmless_screen(text)
