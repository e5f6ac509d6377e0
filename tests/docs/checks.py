"""What is asked of blocks that do not run."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable
from typing import Any

from pynats_common.config import ConfigError, parse
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from tests.docs.commands import prompts, syntax_error
from tests.docs.page import Block, PageError

CONFIGURATIONS = ("nginx", "conf")  # how colours for the server's grammar are called


def _python(text: str) -> None:
    compile(text, "block", "exec")


def _yaml(text: str) -> None:
    list(YAML(typ="safe").load_all(text))


READERS: dict[str, Callable[[str], Any]] = {
    "json": json.loads,
    "python": _python,
    "toml": tomllib.loads,
    "yaml": _yaml,
}


def readable(block: Block) -> None:
    """Raises PageError if it is not written in its language."""
    reader = READERS.get(block.language)
    try:
        if reader is not None:
            reader(block.text)
    except (ValueError, SyntaxError, YAMLError) as error:
        raise PageError(f"{block.place}: {error}") from None


def unrun(block: Block) -> None:
    """What can be seen without running it."""
    if block.language in ("sh", "bash", "shell", "console"):
        wrong = syntax_error(_script(block))
        if wrong:
            raise PageError(f"{block.place}: {wrong}")
    try:
        if block.language in CONFIGURATIONS or block.caption.endswith(".conf"):
            parse(block.text)
    except ConfigError as error:
        raise PageError(f"{block.place}: {error}") from None
    readable(block)


def _script(block: Block) -> str:
    if block.language != "console":
        return block.text
    return "\n".join(command for _, command, _ in prompts(block))
