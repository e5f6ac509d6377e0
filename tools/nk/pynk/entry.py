"""Console script `pynk`. Imports nothing before Ctrl-C is taken care of."""

from __future__ import annotations

from pynats_common.program.running import run_program

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

    from pynats_common.program.running import Main


def main() -> NoReturn:
    """Runs the program."""
    run_program("pynk", _load)


def _load() -> Main:
    from pynk.__main__ import main as run

    return run
