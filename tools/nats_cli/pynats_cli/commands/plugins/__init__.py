"""`pynats plugins`: programs that add commands."""

from pynats_common.commandline.tree import Command, Group

GROUP = Group(
    "plugins",
    "Plugins of this program",
    hidden=True,
    commands=(
        Command("register", "Register a plugin", "pynats_cli.commands.plugins.register:register",
                examples=("pynats plugins register weather /usr/local/bin/nats-weather",),
                offline=True),
    ),
)  # fmt: skip
