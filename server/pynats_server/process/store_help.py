"""What `pynats-server store` can do, and its flags: for reading them, for help and manual pages."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from pynats_common.go.flags import Kind

DESCRIPTION = (
    "Looks at the streams of a server that is not running, and changes what you ask for. DIR is "
    "what the server has as its store_dir; without it, the one of the configuration file."
)
COMMANDS = {
    "check": "reads every stream and block and changes nothing; exits with 1 if something is lost, "
    "damaged or cannot be read",
    "acknowledge-loss": "notes that you know of what is lost: servers do not warn of it any more",
    "restore-quarantined": "puts blocks of the quarantine back where their messages are lost",
}
# Names, kind, what stands for the value, and help.
FLAGS: tuple[tuple[tuple[str, ...], Kind, str, str], ...] = (
    (("c", "config"), "str", "file",
     "configuration file, for the store's folder and its key"),
    (("stream",), "str", "name", "only this one, as ACCOUNT/STREAM"),
    (("json",), "bool", "", "print JSON"),
    (("yes",), "bool", "", "do not ask"),
    (("h", "help"), "bool", "", "show this text"),
)  # fmt: skip
KINDS: dict[str, Kind] = {name: kind for names, kind, _, _ in FLAGS for name in names}

_COLUMN = 27  # where explanations begin
_WIDTH = 99


def spelled(name: str) -> str:
    """A flag with its dashes."""
    return f"-{name}" if len(name) == 1 else f"--{name}"


def usage(program: str) -> str:
    """What `--help` prints."""
    ways = [f"{program} store {name} [options] [DIR]" for name in COMMANDS]
    rows = list(COMMANDS.items())
    flags = [
        (f"{', '.join(map(spelled, names))}{f' <{value}>' if value else ''}", text)
        for names, _, value, text in FLAGS
    ]
    lines = [
        "Usage: " + "\n       ".join(ways),
        "",
        *textwrap.wrap(DESCRIPTION, _WIDTH),
        "",
        *_aligned(rows),
        "",
        *_aligned(flags),
    ]
    return "\n".join(lines) + "\n"


def _aligned(rows: list[tuple[str, str]]) -> Iterator[str]:
    for left, text in rows:
        shown = f"    {left}"
        for each in textwrap.wrap(text, _WIDTH - _COLUMN):
            yield f"{shown:<{_COLUMN}}{each}"
            shown = ""
