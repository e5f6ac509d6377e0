"""`pynats audit`: gathers what the servers of a system say, and judges it."""

from __future__ import annotations

from pynats_common.commandline.tree import Command, Group

_HERE = "pynats_cli.commands.audit"
GROUP = Group(
    "audit",
    "Gather the state of a system into an archive, and check it",
    commands=(
        Command("gather", "Gather what all servers say into an archive",
                f"{_HERE}.gather:gather", ("capture", "cap"),
                ("pynats audit gather --output audit.zip",
                 "pynats audit gather --no-server-profiles")),
        Command("analyze", "Check an archive", f"{_HERE}.analyze:analyze", (),
                ("pynats audit analyze audit.zip", "pynats audit analyze audit.zip --json",
                 "pynats audit analyze audit.zip --skip SERVER_003 --save report.json"),
                offline=True),
        Command("checks", "List the checks", f"{_HERE}.checks:checks", ("ls",),
                ("pynats audit checks",), offline=True),
        Command("upgrade", "Say what an upgrade of the servers would break",
                f"{_HERE}.upgrade:upgrade",
                examples=("pynats audit upgrade --to 2.16 --config nats.conf",
                          "pynats audit upgrade --to 2.16 --no-live --store ~/.local/share/nats"),
                offline=True),
    ),
)  # fmt: skip
