"""docs/reference/pynsc.md, pynk.md and pynats-top.md: from the programs' own tables of flags."""

from __future__ import annotations

from pynats_common.commandline.declare import parameters
from pynats_common.commandline.help.text import flag_text, item_help
from pynats_packaging.programs.nk import nk
from pynats_packaging.programs.program import Program
from pynats_packaging.programs.top import top
from pynk.__main__ import EPILOG
from pynsc.cli import Options
from pynsc.table import ALIASES, COMMANDS, GROUPS

from tests.docs.pages.commands import command_text, listed
from tests.docs.pages.markdown import MADE, code, filled, prose, sentence, table

PYNSC = f"""# The commands of `pynsc`

{MADE}
Operators, accounts and users: commands and flags are those of `nsc`. The
[guide](../guides/credentials.md) shows them at work; where a command behaves otherwise than the
original is in [compatibility](../explanation/compatibility.md).

Exit codes: 0; 1 when something was refused or failed, with one line on standard error; 130 after
Ctrl-C. With `--json` the failure is in the JSON, too.

"""
PYNK = f"""# `pynk`

{MADE}
Makes NKeys, signs and verifies with them, like `nk`. Every flag is written with one dash or
with two.

"""
PYNATS_TOP = f"""# `pynats-top`

{MADE}
The monitor for the terminal, as a program of its own with the flags of `nats-top`;
[`pynats top`](cli/operating.md#top) is the same with the flags of `nats top`. Every flag is written
with one dash or with two. Keys, views and recordings are in the [guide](../guides/top.md).

"""


def pynsc() -> str:
    """docs/reference/pynsc.md."""
    everywhere = parameters(Options)
    left_out = frozenset(item.name for item in everywhere)
    aliases: dict[str, list[str]] = {}
    for alias, path in ALIASES.items():
        aliases.setdefault(path, []).append(alias)
    parts = [PYNSC, "## Flags of every command\n\nBefore or after the command.\n\n"]
    parts.append(listed([(" ".join(flag_text(i).split()), item_help(i)) for i in everywhere]))
    for group, paths in _by_group().items():
        about = sentence(GROUPS.get(group, ""))
        parts.append(f"\n## {group or 'Commands'}\n\n{about}{chr(10) * 2 if about else ''}")
        texts = []
        for path in paths:
            text = command_text("pynsc", path.split(), COMMANDS[path], left_out=left_out, level=3)
            if path in aliases:
                text += "\nAlso " + ", ".join(map(code, aliases[path])) + ".\n"
            texts.append(text)
        parts.append("\n".join(texts))
    return "".join(parts)


def _by_group() -> dict[str, list[str]]:
    """Paths of commands by the group they stand in; those without one first."""
    found: dict[str, list[str]] = {"": []}
    for path in sorted(COMMANDS):
        found.setdefault(path.partition(" ")[0] if " " in path else "", []).append(path)
    return found


def pynk() -> str:
    """docs/reference/pynk.md."""
    codes = filled(
        "Exit codes: 0; 1 when something is wrong, with one line on standard output, as the "
        "original has it; 130 after Ctrl-C."
    )
    return f"{PYNK}{_flags(nk())}\n{codes}```text\n{EPILOG.strip()}\n```\n"


def pynats_top() -> str:
    """docs/reference/pynats-top.md."""
    codes = filled(
        "Exit codes: 0; 1 for wrong flags, a server that does not answer (with `-once`), or a file "
        "that cannot be written; 130 after Ctrl-C."
    )
    return f"{PYNATS_TOP}{_flags(top())}\n{codes}".rstrip("\n") + "\n"


def _flags(program: Program) -> str:
    """The flags of a program, as its manual page has them; not `--x` where there is `-x`."""
    rows = []
    for flag in program.flags[""]:
        names = [name for name in flag.names if name[1:] not in flag.names]
        rows.append((", ".join(map(code, names)), code(flag.value), sentence(prose(flag.help))))
    return table(("flag", "value", "meaning"), rows)
