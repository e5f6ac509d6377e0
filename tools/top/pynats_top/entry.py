"""Console script `pynats-top`. Imports nothing before Ctrl-C is taken care of."""

from __future__ import annotations

from pynats_common.program.running import run_program

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

    from pynats_common.program.running import Main


def main() -> NoReturn:
    """Runs the program."""
    run_program("pynats-top", _load)


def _load() -> Main:
    from pynats_top.standalone import main as run

    return run
