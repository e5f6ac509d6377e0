"""`pynats server config`: configurations of servers."""

from __future__ import annotations

from pynats_common.commandline.tree import Command, Group

_HERE = "pynats_cli.commands.server.config"
_FILES = "Configuration files"

GROUP = Group(
    "config",
    "Configurations of servers",
    commands=(
        Command("reload", "Have a server read its configuration again", f"{_HERE}.reload:reload",
                examples=("pynats server config reload n1",)),
        Command("fmt", "Lay out a configuration file", f"{_HERE}.fmt:fmt", ("format",),
                examples=("pynats server config fmt nats.conf",
                          "pynats server config fmt --write *.conf",
                          "pynats server config fmt --check *.conf"),
                panel=_FILES, offline=True),
        Command("lint", "Find mistakes in a configuration file", f"{_HERE}.lint:lint", ("check",),
                examples=("pynats server config lint nats.conf",
                          "pynats server config lint nats.conf --strict --json"),
                panel=_FILES, offline=True),
        Command("explain", "Say what a key of the configuration is", f"{_HERE}.explain:explain",
                examples=("pynats server config explain max_payload",
                          "pynats server config explain jetstream.limits"),
                panel=_FILES, offline=True),
        Command("convert", "Write a configuration file in another form",
                f"{_HERE}.convert:convert",
                examples=("pynats server config convert nats.conf --to toml",
                          "pynats server config convert nats.toml > nats.conf"),
                panel=_FILES, offline=True),
    ),
)  # fmt: skip
