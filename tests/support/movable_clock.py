"""A server process whose wall clock can be moved while it runs, whoever made the server.

Programs read the clock through a page that the kernel maps into every process (vDSO), those that
are linked statically included. Before the program begins, its copy of the function there is
replaced by a few instructions that ask the kernel itself and add an offset to wall-clock times.
Monotonic time stays as it is, as it does when a clock is set.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import platform
import struct
import subprocess
from functools import cache
from pathlib import Path
from typing import IO

from tests.support.process import ServerProcess

TRACE_ME, DETACH = 0, 17
SECOND = 1_000_000_000
NAME = b"__vdso_clock_gettime"
# clock_gettime(clock, time): a system call, and for CLOCK_REALTIME (0 and 5, the coarse one) the
# offset on top, seconds and nanoseconds, which are the 16 bytes behind this.
CODE = bytes.fromhex(
    "b8e40000000f0585ff740683ff057401c34885c0752c488b0d2b00000048010e488b0d29"
    "00000048034e084881f900ca9a3b7c0a4881e900ca9a3b48ff0648894e08c30f1f440000"
)


class CannotMove(Exception):
    """This machine does not let us."""


def _mapping(pid: int | str) -> tuple[int, int]:
    for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
        if line.endswith("[vdso]"):
            start, end = (int(text, 16) for text in line.split()[0].split("-"))
            return start, end
    raise CannotMove("there is no vDSO")


@cache
def _place() -> int:
    """Where the function lies in the page, the same in every process."""
    start, end = _mapping("self")
    with Path("/proc/self/mem").open("rb", 0) as memory:
        memory.seek(start)
        image = memory.read(end - start)
    (headers,) = struct.unpack_from("<Q", image, 32)
    (count,) = struct.unpack_from("<H", image, 56)
    tags: dict[int, int] = {}
    for at in range(headers, headers + count * 56, 56):
        kind, _, offset, _, _, size = struct.unpack_from("<IIQQQQ", image, at)
        if kind == 2:  # PT_DYNAMIC
            tags |= dict(struct.iter_unpack("<QQ", image[offset : offset + size // 16 * 16]))
    names, symbols = tags[5], tags[6]  # DT_STRTAB, DT_SYMTAB
    for at in range(symbols, symbols + 64 * 24, 24):
        name, _, _, _, value, _ = struct.unpack_from("<IBBHQQ", image, at)
        found = image[names + name : image.find(b"\0", names + name)]
        if found == NAME:
            return int(value)
    raise CannotMove("the vDSO has no clock")


class MovableClock(ServerProcess):
    """One with a clock of its own. Raises CannotMove at the start where that is not possible."""

    ahead_ns = 0

    def _spawn(self, command: list[str], log: IO[bytes]) -> subprocess.Popen[bytes]:
        if platform.machine() != "x86_64":
            raise CannotMove(platform.machine())
        place = _place()
        trace = ctypes.CDLL(None, use_errno=True).ptrace

        def be_traced() -> None:
            trace(TRACE_ME, 0, 0, 0)

        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, preexec_fn=be_traced
        )
        _, status = os.waitpid(process.pid, 0)  # it stops when it begins
        try:
            if not os.WIFSTOPPED(status):
                raise CannotMove("the process cannot be traced")
            self._at = _mapping(process.pid)[0] + place
            self._write(process.pid, self._at, CODE + self._offset())
            trace(DETACH, process.pid, 0, 0)
        except (OSError, CannotMove) as error:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            raise CannotMove(str(error)) from error
        return process

    def set_clock(self, ahead_ns: int) -> None:
        """From now on, and after the next start, the clock is ahead of the machine's."""
        self.ahead_ns = ahead_ns
        if self.alive:
            self._write(self.pid, self._at + len(CODE), self._offset())

    def _offset(self) -> bytes:
        return struct.pack("<qq", *divmod(self.ahead_ns, SECOND))

    @staticmethod
    def _write(pid: int, at: int, data: bytes) -> None:
        with Path(f"/proc/{pid}/mem").open("r+b", 0) as memory:
            memory.seek(at)
            memory.write(data)
