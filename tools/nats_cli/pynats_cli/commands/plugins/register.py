"""`pynats plugins register`: a program whose commands become ours."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from pynats_common.commandline.declare import arg, opt
from pynats_common.commandline.kinds import EXISTING_FILE

from pynats_cli.commands import ROOT
from pynats_cli.global_options import GlobalOptions
from pynats_cli.program.plugins import store
from pynats_cli.screen.output import line, note


@dataclass(kw_only=True)
class RegisterOptions:
    name: Annotated[str, arg("The command that the plugin becomes")]
    command: Annotated[str, arg("Program of the plugin", kind=EXISTING_FILE)]
    force: Annotated[bool, opt("--force", help="Replace a plugin of this name")] = False


def register(global_options: GlobalOptions, options: RegisterOptions) -> None:
    """Register a plugin: a program that describes its commands with --fisk-introspect. It then runs
    as `pynats NAME ...`."""
    note("WARNING: plugins are experimental; the plugin runs with all your permissions\n")
    own = {name for row in ROOT.commands for name in (row.name, *row.aliases)} | {"help"}
    store.register(options.name, options.command, own, options.force)
    line(f"Plugin {options.name} using command {options.command} was added or updated")
