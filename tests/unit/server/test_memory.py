"""Memory that is given back is joined at once, not all of it later by the event loop."""

from __future__ import annotations

import ctypes
import subprocess
import sys

import pytest

FREE_MANY = """
import ctypes, sys
{prepare}
class Info(ctypes.Structure):  # mallinfo2
    _fields_ = [(name, ctypes.c_size_t) for name in "arena ordblks smblks hblks hblkhd usmblks "
                "fsmblks uordblks fordblks keepcost".split()]
libc = ctypes.CDLL(None)
libc.malloc.restype, libc.free.argtypes = ctypes.c_void_p, [ctypes.c_void_p]
libc.mallinfo2.restype = Info
pieces = [libc.malloc(64) for _ in range(100_000)]
before = libc.mallinfo2().fsmblks
for piece in pieces:
    libc.free(piece)
print(libc.mallinfo2().fsmblks - before)
"""

AS_SERVER = """
sys.argv = ["pynats-server", "--version"]
from pynats_server.__main__ import main
main()
"""


def left_in_lists(prepare: str) -> int:
    """Bytes of a hundred thousand small pieces that are still to be joined after their end."""
    done = subprocess.run(
        [sys.executable, "-c", FREE_MANY.format(prepare=prepare)],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return int(done.stdout.split()[-1])


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "mallinfo2"), reason="glibc counts them")
def test_the_server_leaves_nothing_to_join_later() -> None:
    assert left_in_lists("") > 1_000_000  # as the C library would
    assert left_in_lists(AS_SERVER) <= 0
