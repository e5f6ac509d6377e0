"""`pynats audit`: gathers what the servers of a system say, and judges it."""

from __future__ import annotations

from pynats_common.commandline.tree import Command, Group

_HERE = "pynats_cli.commands.audit"
GROUP = Group(
    "audit",
    "Gather the state of a system into an archive, and check it",
    commands=(
        Command("upgrade", "Say what an upgrade of the servers would break",
                f"{_HERE}.upgrade:upgrade",
                examples=("pynats audit upgrade --to 2.16 --config nats.conf",
                          "pynats audit upgrade --to 2.16 --no-live --store ~/.local/share/nats"),
                offline=True),
    ),
)  # fmt: skip
