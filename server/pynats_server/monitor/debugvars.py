"""/debug/vars: what collectors for Go programs read, as far as this one has it. The command line is
the program alone: flags may be secrets."""

from __future__ import annotations

import gc
import sys

import msgspec


class Memory(msgspec.Struct, kw_only=True, rename="pascal"):
    """Bytes, and how often garbage was collected."""

    alloc: int
    sys: int
    num_gc: int = msgspec.field(name="NumGC")


class Variables(msgspec.Struct, kw_only=True):
    cmdline: list[str]
    memstats: Memory


def variables(resident_bytes: int) -> Variables:
    """The body of /debug/vars. Memory of objects is not counted, so all that is resident is."""
    collections = sum(generation["collections"] for generation in gc.get_stats())
    memory = Memory(alloc=resident_bytes, sys=resident_bytes, num_gc=collections)
    return Variables(cmdline=sys.argv[:1], memstats=memory)
