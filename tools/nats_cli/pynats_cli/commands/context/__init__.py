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
        _row("copy", "Copy a context, with changes", "cp",
             examples=("pynats context copy prod staging -s staging.example.com",)),
        _row("edit", "Edit a context in $EDITOR", "vi",
             examples=("pynats context edit prod",)),
        _row("ls", "List the known contexts", "list", "l",
             examples=("pynats context ls",)),
        _row("rm", "Remove a context", "remove",
             examples=("pynats context rm staging",)),
        _row("select", "Make a context the default one", "switch", "set",
             examples=("pynats context select prod",)),
        _row("unselect", "Leave no context selected",
             examples=("pynats context unselect",)),
        _row("info", "Show a context", "show", "v", "view",
             examples=("pynats context info prod --connect",)),
        _row("validate", "Check one context, or all of them",
             examples=("pynats context validate --connect",)),
        _row("previous", "Switch to the context selected before", "-",
             examples=("pynats context previous",)),
    ),
)  # fmt: skip
