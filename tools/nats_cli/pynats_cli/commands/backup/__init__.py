"""`pynats backup`: backups of streams, taken, restored, looked into and edited."""

from __future__ import annotations

from pynats_common.commandline.tree import Command, Group

_HERE = "pynats_cli.commands.backup"
_OVER, _FILES = "Over the network", "In folders"
GROUP = Group(
    "backup",
    "Take, restore, inspect and edit backups of streams",
    commands=(
        Command(
            "stream", "Take a backup of a stream", f"{_HERE}.taking:stream",
            examples=(
                "pynats backup stream ORDERS backup/ORDERS",
                "pynats backup stream ORDERS backup/ORDERS --incremental",
            ),
            panel=_OVER,
        ),
        Command(
            "account", "Take a backup of all streams", f"{_HERE}.taking:account",
            examples=("pynats backup account backup --force",), panel=_OVER,
        ),
        Group(
            "restore",
            "Restore streams",
            commands=(
                Command(
                    "stream", "Restore a stream", f"{_HERE}.restoring:stream",
                    examples=(
                        "pynats backup restore stream backup/ORDERS",
                        "pynats backup restore stream backup/ORDERS --replicas 3",
                    ),
                ),
                Command(
                    "account", "Restore all streams of an account", f"{_HERE}.restoring:account",
                    examples=("pynats backup restore account backup --skip-existing",),
                ),
            ),
            panel=_OVER,
        ),
        Command(
            "info", "Show what a backup holds", f"{_HERE}.looking:info", offline=True,
            examples=("pynats backup info backup/ORDERS --subjects",), panel=_FILES,
        ),
        Command(
            "validate", "Check that a backup is whole", f"{_HERE}.looking:validate",
            offline=True, examples=("pynats backup validate backup/ORDERS",), panel=_FILES,
        ),
        Command(
            "edit", "Copy a part of a backup", f"{_HERE}.editing:edit", offline=True,
            examples=(
                "pynats backup edit backup/ORDERS small --subject 'orders.eu.>' --after 7d",
                "pynats backup edit backup/ORDERS shared --obfuscate",
            ),
            panel=_FILES,
        ),
        Command(
            "lookup", "Find out what obfuscated names were", f"{_HERE}.editing:lookup",
            offline=True, examples=("pynats backup lookup shared.keys.json 9enkvvms7472rc4n",),
            panel=_FILES,
        ),
    ),
)  # fmt: skip

# Where these commands were before; the groups `stream` and `account` list them, hidden.
IN_STREAM = (
    Command(
        "backup", "Take a backup of a stream", f"{_HERE}.deprecated:stream_backup",
        aliases=("snapshot",), hidden=True,
        examples=("pynats stream backup ORDERS backup/ORDERS --incremental",),
    ),
    Command(
        "restore", "Restore a stream", f"{_HERE}.deprecated:stream_restore", hidden=True,
        examples=("pynats stream restore backup/ORDERS",),
    ),
)  # fmt: skip
IN_ACCOUNT = (
    Command(
        "backup", "Take a backup of all streams", f"{_HERE}.deprecated:account_backup",
        aliases=("snapshot",), hidden=True, examples=("pynats account backup backup -f",),
    ),
    Command(
        "restore", "Restore all streams of an account", f"{_HERE}.deprecated:account_restore",
        hidden=True, examples=("pynats account restore backup",),
    ),
)  # fmt: skip
