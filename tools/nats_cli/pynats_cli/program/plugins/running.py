"""Running a plugin: its program gets the arguments as they are."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence

from pynats_cli.errors import CliError
from pynats_cli.global_options import GlobalOptions, given_in_environment
from pynats_cli.program.plugins.store import Plugin


def run(plugin: Plugin, arguments: Sequence[str], options: GlobalOptions) -> int:
    """The exit code of the plugin's program. Raises CliError when it cannot run.

    Our global flags reach it as the environment variables that stand for them.
    """
    environment: Mapping[str, str] = {**os.environ, **given_in_environment(options)}
    try:
        done = subprocess.run([plugin.command, *arguments], env=environment, check=False)
    except OSError as error:
        raise CliError(f"cannot run plugin {plugin.name}: {error.strerror}") from None
    except ValueError:
        raise CliError("arguments cannot hold NUL characters") from None
    return done.returncode if done.returncode >= 0 else 128 - done.returncode
