"""`pynats completion`: scripts that make shells complete our words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from pynats_common.commandline.declare import arg
from pynats_common.commandline.kinds import Choice
from pynats_common.commandline.shellscripts import SHELLS, completion_script

from pynats_cli.commands import PROGRAM
from pynats_cli.global_options import GlobalOptions
from pynats_cli.screen.output import write


@dataclass(kw_only=True)
class CompletionOptions:
    shell: Annotated[str, arg("Shell to print the script for", kind=Choice(*SHELLS))]


def completion(global_options: GlobalOptions, options: CompletionOptions) -> None:
    """Print the script that makes a shell complete commands, flags, and names of contexts, streams,
    consumers, buckets and services; the latter are asked of the server."""
    write(completion_script(options.shell, PROGRAM))
