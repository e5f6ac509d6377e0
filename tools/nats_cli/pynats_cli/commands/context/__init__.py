"""`pynats context`: the named connection settings every NATS tool on the machine shares."""

from __future__ import annotations

from pynats_common.commandline.tree import Command, Group

_HERE = "pynats_cli.commands.context.changing"


def _row(name: str, help: str, *aliases: str, examples: tuple[str, ...] = ()) -> Command:
    return Command(name, help, f"{_HERE}:{name}", aliases, examples, offline=True)


GROUP = Group(
    "context",
    "Manage connection contexts",
    aliases=("ctx",),
    commands=(
        _row("add", "Create a context, or change one", "create", "save",
             examples=("pynats context add local --server localhost --description 'my machine'",
                       "pynats context add prod --creds ~/prod.creds --select")),
        _row("copy", "Copy a context, with changes", "cp"),
        _row("edit", "Edit a context in $EDITOR", "vi"),
        _row("ls", "List the known contexts", "list", "l"),
        _row("rm", "Remove a context", "remove"),
        _row("select", "Make a context the default one", "switch", "set"),
        _row("unselect", "Leave no context selected"),
        _row("info", "Show a context", "show", "v", "view"),
        _row("validate", "Check one context, or all of them"),
        _row("previous", "Switch to the context selected before", "-"),
    ),
)  # fmt: skip
