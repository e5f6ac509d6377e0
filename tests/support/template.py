"""A process that has loaded a program's modules, and from which that program is forked for a test.

Loading them is most of what a start costs, and tests start thousands of servers and tools; a fork
of the test's own process, which has hundreds of megabytes, mostly copies pages. What follows is the
same as after the program's name on a command line: its `main`, with its arguments, environment and
descriptors, in a process of its own. It becomes a child of who asked, which can wait for it.

Tests of the start itself run the program (`ServerProcess(..., forked=False)`); all servers do with
PYNATS_TEST_FORKED=0.
"""

from __future__ import annotations

import array
import ctypes
import gc
import importlib
import json
import os
import pkgutil
import resource
import select
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

WANTED = os.environ.get("PYNATS_TEST_FORKED") != "0"
SIZE = struct.Struct("!I")
MODULE = "tests.support.template"
ROOT = Path(__file__).parents[2]  # where it is found
# What counts when a process begins, so that a fork would not see it.
EARLY = ("PYTHON", "LD_", "MALLOC_", "GLIBC_", "OPENSSL_", "SSL_")
LIMITS = (resource.RLIMIT_FSIZE, resource.RLIMIT_NOFILE, resource.RLIMIT_AS, resource.RLIMIT_CORE)
SUBREAPER = 36  # PR_SET_CHILD_SUBREAPER, see prctl(2)


@dataclass(frozen=True)
class Program:
    """What a template is of."""

    package: str  # all its modules are loaded
    entry: str  # "module:function", whose result is the exit code
    not_loaded: tuple[str, ...] = ()


SERVER = Program(
    "pynats_server",
    "pynats_server.entry:main",
    ("pynats_server.pytest_plugin", "pynats_server.__main__"),
)


class Forked:
    """A program that was forked: what ServerProcess needs of `subprocess.Popen`."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._descriptor = os.pidfd_open(pid)

    def __del__(self) -> None:
        self._let_go()

    def _let_go(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def poll(self) -> int | None:
        """Its exit code, or minus the signal that ended it; None while it runs."""
        if self.returncode is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.returncode = os.waitstatus_to_exitcode(status)
                self._let_go()
        return self.returncode

    def wait(self, timeout: float) -> int:
        """Its exit code. Raises subprocess.TimeoutExpired."""
        if self.returncode is None:
            watch = select.poll()
            watch.register(self._descriptor, select.POLLIN)
            watch.poll(timeout * 1000)
        code = self.poll()
        if code is None:
            raise subprocess.TimeoutExpired(f"process {self.pid}", timeout)
        return code

    def terminate(self) -> None:
        """Asks it to end."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """Ends it."""
        self.send_signal(signal.SIGKILL)

    def send_signal(self, number: signal.Signals) -> None:
        """Nothing after its end."""
        if self.poll() is None:
            os.kill(self.pid, number)


class Template:
    """The process, from outside."""

    def __init__(self, program: Program) -> None:
        _adopt_orphans()
        self._early = _early(os.environ)
        self._turn = threading.Lock()  # threads of a test may start servers
        self._socket, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", MODULE, str(theirs.fileno()),
                 program.package, program.entry, *program.not_loaded],
                pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL, cwd=ROOT,
            )  # fmt: skip

    def can(self, environ: Mapping[str, str]) -> bool:
        """Whether a fork is what a new process with that environment would be."""
        return _early(environ) == self._early

    def fork(
        self, command: Sequence[str], descriptors: tuple[int, int, int],
        environ: Mapping[str, str] | None = None, folder: str = "",
    ) -> Forked:  # fmt: skip
        """Runs a command line. `descriptors` become 0 to 2; folder and environment are the present
        ones if there are none others."""
        text = json.dumps(
            {
                "argv": list(command), "cwd": folder or str(Path.cwd()),
                "environ": dict(os.environ if environ is None else environ),
                "limits": {number: resource.getrlimit(number) for number in LIMITS},
            }
        ).encode()  # fmt: skip
        with self._turn:
            socket.send_fds(self._socket, [SIZE.pack(len(text))], list(descriptors))
            self._socket.sendall(text)
            (pid,) = SIZE.unpack(_exactly(self._socket, SIZE.size))
        return Forked(pid)


_making = threading.Lock()


def template(program: Program = SERVER) -> Template:
    """The one of this process, which ends with it."""
    with _making:
        return _made(program)


@cache
def _made(program: Program) -> Template:
    return Template(program)


def _early(environ: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in environ.items() if name.startswith(EARLY)}


def _adopt_orphans() -> None:
    """Children of children that have ended become those of this process."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(SUBREAPER, 1, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "prctl")


def _exactly(peer: socket.socket, size: int) -> bytes:
    found = b""
    while len(found) < size:
        more = peer.recv(size - len(found))
        if not more:
            raise EOFError("the other side has gone")
        found += more
    return found


# -- inside ---------------------------------------------------------------------------------------


def _load(package: str, entry: str, not_loaded: Sequence[str]) -> Callable[[], Any]:
    """Everything that the program may need. Its main."""
    import uvloop  # noqa: F401

    module, _, name = entry.partition(":")
    main: Callable[[], Any] = getattr(importlib.import_module(module), name)
    for found in pkgutil.walk_packages(importlib.import_module(package).__path__, f"{package}."):
        if found.name not in not_loaded:
            importlib.import_module(found.name)
    if threading.active_count() != 1 or len(list(Path("/proc/self/task").iterdir())) != 1:
        raise RuntimeError(f"a module of {package} starts threads when it is loaded")
    gc.collect()
    gc.freeze()  # a collection in a fork would copy all of this
    return main


def _serve(peer: socket.socket) -> dict[str, Any]:
    """Forks until the tests end. Comes back in a process that has been forked, with what it is to
    run."""
    while True:
        try:
            head, descriptors = _receive(peer)
        except EOFError:
            sys.exit(0)
        wanted: dict[str, Any] = json.loads(_exactly(peer, SIZE.unpack(head)[0]))
        wanted["descriptors"] = descriptors
        here, there = os.pipe()
        helper = os.fork()
        if helper == 0:  # ends, so that its child is adopted
            child = os.fork()
            if child:
                os.write(there, SIZE.pack(child))
                os._exit(0)
            os.close(here)
            os.close(there)
            return wanted
        os.close(there)
        for number in descriptors:
            os.close(number)
        os.waitpid(helper, 0)
        peer.sendall(os.read(here, SIZE.size))
        os.close(here)


def _receive(peer: socket.socket) -> tuple[bytes, list[int]]:
    data, ancillary, _, _ = peer.recvmsg(
        SIZE.size, socket.CMSG_SPACE(3 * 4), socket.MSG_CMSG_CLOEXEC
    )
    if not data:
        raise EOFError("the tests have ended")
    descriptors = array.array("i")
    for _, _, content in ancillary:
        descriptors.frombytes(content)
    return data + _exactly(peer, SIZE.size - len(data)), list(descriptors)


def _become(wanted: Mapping[str, Any]) -> None:
    for number, descriptor in enumerate(wanted["descriptors"]):
        os.dup2(descriptor, number)
        os.close(descriptor)
    os.chdir(wanted["cwd"])
    os.environ.clear()
    os.environ.update(wanted["environ"])
    time.tzset()
    for number, limits in wanted["limits"].items():
        resource.setrlimit(int(number), limits)
    sys.stdin, sys.stdout, sys.stderr = open(0), open(1, "w"), open(2, "w", buffering=1)  # noqa: SIM115
    sys.argv[:] = wanted["argv"]


if __name__ == "__main__":
    run = _load(sys.argv[2], sys.argv[3], sys.argv[4:])
    connection = socket.socket(fileno=int(sys.argv[1]))
    asked = _serve(connection)
    connection.close()
    _become(asked)
    sys.exit(run())
