"""A process that has loaded the server's modules, and from which servers of a test are forked.

Loading them is most of what a start costs, and tests start thousands of servers. What follows is
the same as after `pynats-server` on a command line: its `main`, with its arguments, environment and
descriptors, in a process of its own. It becomes a child of who asked, which can wait for it.

Tests of the start itself run the program (`ServerProcess(..., forked=False)`); all do with
PYNATS_TEST_FORKED=0.
"""

from __future__ import annotations

import array
import ctypes
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
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import IO, Any

WANTED = os.environ.get("PYNATS_TEST_FORKED") != "0"
SIZE = struct.Struct("!I")
MODULE = "tests.support.template"
ROOT = Path(__file__).parents[2]  # where it is found
# What counts when a process begins, so that a fork would not see it.
EARLY = ("PYTHON", "LD_", "MALLOC_", "GLIBC_", "OPENSSL_", "SSL_")
LIMITS = (resource.RLIMIT_FSIZE, resource.RLIMIT_NOFILE, resource.RLIMIT_AS, resource.RLIMIT_CORE)
SUBREAPER = 36  # PR_SET_CHILD_SUBREAPER, see prctl(2)
NOT_LOADED = ("pynats_server.pytest_plugin", "pynats_server.__main__")


class Forked:
    """A server that was forked: what ServerProcess needs of `subprocess.Popen`."""

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
            raise subprocess.TimeoutExpired(f"server {self.pid}", timeout)
        return code

    def terminate(self) -> None:
        """Asks it to end."""
        self._send(signal.SIGTERM)

    def kill(self) -> None:
        """Ends it."""
        self._send(signal.SIGKILL)

    def _send(self, number: signal.Signals) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)


class Template:
    """The process, from outside."""

    def __init__(self) -> None:
        _adopt_orphans()
        self._early = _early(os.environ)
        self._turn = threading.Lock()  # threads of a test may start servers
        self._socket, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", MODULE, str(theirs.fileno())],
                pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL, cwd=ROOT,
            )  # fmt: skip

    def can(self, environ: Mapping[str, str]) -> bool:
        """Whether a fork is what a new process with that environment would be."""
        return _early(environ) == self._early

    def fork(self, command: Sequence[str], log: IO[bytes]) -> Forked:
        """Runs a command line of pynats-server in the present folder and environment."""
        text = json.dumps(
            {
                "argv": list(command), "cwd": str(Path.cwd()), "environ": dict(os.environ),
                "limits": {number: resource.getrlimit(number) for number in LIMITS},
            }
        ).encode()  # fmt: skip
        with self._turn:
            socket.send_fds(self._socket, [SIZE.pack(len(text))], [log.fileno()])
            self._socket.sendall(text)
            (pid,) = SIZE.unpack(_exactly(self._socket, SIZE.size))
        return Forked(pid)


_making = threading.Lock()


def template() -> Template:
    """The one of this process, which ends with it."""
    with _making:
        return _made()


@cache
def _made() -> Template:
    return Template()


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


def _load() -> None:
    """Everything that a server may need."""
    import pynats_server
    import uvloop  # noqa: F401

    importlib.import_module("pynats_server.__main__")
    for found in pkgutil.walk_packages(pynats_server.__path__, "pynats_server."):
        if found.name not in NOT_LOADED:
            importlib.import_module(found.name)
    if threading.active_count() != 1 or len(list(Path("/proc/self/task").iterdir())) != 1:
        raise RuntimeError("a module of the server starts threads when it is loaded")


def _serve(peer: socket.socket) -> dict[str, Any]:
    """Forks until the tests end. Comes back in a server that has been forked, with what it is to
    run."""
    while True:
        try:
            head, descriptors = _receive(peer)
        except EOFError:
            sys.exit(0)
        wanted: dict[str, Any] = json.loads(_exactly(peer, SIZE.unpack(head)[0]))
        wanted["log"] = descriptors[0]
        here, there = os.pipe()
        helper = os.fork()
        if helper == 0:  # ends, so that the server is adopted
            server = os.fork()
            if server:
                os.write(there, SIZE.pack(server))
                os._exit(0)
            os.close(here)
            os.close(there)
            return wanted
        os.close(there)
        os.close(descriptors[0])
        os.waitpid(helper, 0)
        peer.sendall(os.read(here, SIZE.size))
        os.close(here)


def _receive(peer: socket.socket) -> tuple[bytes, list[int]]:
    data, ancillary, _, _ = peer.recvmsg(SIZE.size, socket.CMSG_SPACE(4), socket.MSG_CMSG_CLOEXEC)
    if not data:
        raise EOFError("the tests have ended")
    descriptors = array.array("i")
    for _, _, content in ancillary:
        descriptors.frombytes(content)
    return data + _exactly(peer, SIZE.size - len(data)), list(descriptors)


def _become(wanted: Mapping[str, Any]) -> None:
    with Path(os.devnull).open("rb") as nothing:
        os.dup2(nothing.fileno(), 0)
    for number in (1, 2):
        os.dup2(wanted["log"], number)
    os.close(wanted["log"])
    os.chdir(wanted["cwd"])
    os.environ.clear()
    os.environ.update(wanted["environ"])
    for number, limits in wanted["limits"].items():
        resource.setrlimit(int(number), limits)
    sys.argv[:] = wanted["argv"]


if __name__ == "__main__":
    _load()
    connection = socket.socket(fileno=int(sys.argv[1]))
    run = _serve(connection)
    connection.close()
    _become(run)
    from pynats_server.entry import main

    sys.exit(main())
