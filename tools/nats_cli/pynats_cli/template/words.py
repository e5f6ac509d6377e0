"""Command lines with templates: split first, then filled in.

What a template gives may come from a stranger (a subject, a body). It stays within its word, so
that it adds no arguments. Words that a shell may read are filled in only with what no shell obeys:
no quoting is right in every place of a script.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pynats_cli.template.errors import TemplateError
from pynats_cli.template.language import render

_MARK = re.compile(r"\0(\d+)\0")
_OF_SHELLS = re.compile(r"[\s;&|<>$`(){}'\"]")
_HARMLESS = re.compile(r"[\w@%+=:,./ -]*")


def command_words(
    command: str, functions: Mapping[str, Callable[..., Any]], data: Any, tokens: Sequence[str] = ()
) -> list[str]:
    """The words of a command. `{{0}}`, `{{1}}`, ... are `tokens`. Raises TemplateError, ValueError
    for what cannot be split."""
    if "\0" in command:
        raise ValueError("a command cannot hold NUL characters")
    given: list[str] = []

    def mark(text: str) -> str:
        given.append(text)
        return f"\0{len(given) - 1}\0"

    for index, token in enumerate(tokens):
        command = command.replace(f"{{{{{index}}}}}", mark(token))
    words = shlex.split(render(command, functions, data, mark))
    return [
        _filled(word, given, script=bool(index) and words[index - 1] == "-c")
        for index, word in enumerate(words)
    ]


def _filled(word: str, given: list[str], script: bool) -> str:
    script = script or _OF_SHELLS.search(_MARK.sub("", word)) is not None

    def fill(found: re.Match[str]) -> str:
        text = given[int(found[1])]
        if script and not _HARMLESS.fullmatch(text):
            raise TemplateError("what is filled in has characters that a shell may obey")
        if "\0" in text:
            raise TemplateError("what is filled in has NUL characters")
        return text

    return _MARK.sub(fill, word)
