"""The commands of a block."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator

from tests.docs.page import Block, PageError
from tests.support.deadline import PATIENCE_S

# What more lines can belong to.
_MAY_GO_ON = re.compile(r"""<<|["'({`]|\b(do|then|else|in)\b|[|&\\]\s*$""")


def syntax_error(script: str) -> str:
    """What is wrong with a script, or nothing."""
    done = subprocess.run(
        ["bash", "-n", "-c", script], capture_output=True, text=True, timeout=PATIENCE_S
    )
    return done.stderr.strip()


def script_commands(script: str) -> list[tuple[int, str]]:
    """Commands of a script, each with the number of lines before it; comments are none."""
    found: list[tuple[int, str]] = []
    begin, text = 0, ""
    for at, line in enumerate(script.splitlines()):
        if not text and (not line.strip() or line.lstrip().startswith("#")):
            continue
        if not text:
            begin = at
        text += line + "\n"
        if not line.endswith("\\") and not (_MAY_GO_ON.search(text) and syntax_error(text)):
            found.append((begin, text.rstrip("\n")))
            text = ""
    if text:
        raise AssertionError(f"this command has no end: {text}")
    return found


def prompts(block: Block) -> Iterator[tuple[int, str, str]]:
    """Line, command, and expected output of each `$ `; a command goes on after `\\` at the end of
    a line, and in lines that begin with `> `."""
    rows = block.text.splitlines()
    at = 0
    while at < len(rows):
        if not rows[at].startswith("$ "):
            if rows[at].strip():
                raise PageError(f"{block.page}:{block.line + at}: this is below no command")
            at += 1
            continue
        line, command = block.line + at, rows[at][2:]
        at += 1
        while at < len(rows) and (
            command.endswith("\\") or (rows[at].startswith(">") and syntax_error(command))
        ):
            command += "\n" + rows[at].removeprefix("> ").removeprefix(">")
            at += 1
        output = []
        while at < len(rows) and not rows[at].startswith("$ "):
            output.append(rows[at] + "\n")
            at += 1
        yield line, command, "".join(output)
