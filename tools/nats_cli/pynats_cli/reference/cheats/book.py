"""The topics and their texts."""

from __future__ import annotations

import shlex
from importlib.resources import files

from pynats_cli.errors import CliError

_FILES = files("pynats_cli.reference.cheats")
_SUFFIX = ".txt"
# Commands whose topic has another name.
_ALSO = {"pub": "publish", "sub": "subscribe", "req": "request", "schema": "schemas",
         "ctx": "context", "err": "errors", "micro": "service"}  # fmt: skip


def topics() -> list[str]:
    """Their names, sorted."""
    names = [entry.name for entry in _FILES.iterdir()]
    return sorted(name.removesuffix(_SUFFIX) for name in names if name.endswith(_SUFFIX))


def text_of(topic: str) -> str | None:
    """The examples of a topic, None for an unknown one."""
    name = _ALSO.get(topic, topic)
    return (_FILES / f"{name}{_SUFFIX}").read_text() if name in topics() else None


def all_topics() -> dict[str, str]:
    """Every topic with its text."""
    return {topic: text_of(topic) or "" for topic in topics()}


def command_lines(text: str) -> list[list[str]]:
    """The arguments of our program in each example, without its name."""
    found = []
    for line in text.splitlines():
        if line.startswith("#") or "pynats " not in line:
            continue
        try:
            words = shlex.split(line)
        except ValueError as error:
            raise CliError(f"{line}: {error}") from None
        found.append(words[words.index("pynats") + 1 :])
    return found
