"""The programs whose flags are a list, not a tree of commands: `pynats-server`, `pynats-top` and
`pynk`; read from the tables that the programs themselves read their command lines with."""

from pynats_packaging.programs.nk import nk
from pynats_packaging.programs.program import Flag, Program, Section, Takes
from pynats_packaging.programs.server import server
from pynats_packaging.programs.top import top


def flag_programs() -> tuple[Program, ...]:
    """All of them."""
    return server(), top(), nk()


__all__ = ["Flag", "Program", "Section", "Takes", "flag_programs", "nk", "server", "top"]
