"""Runs what stubs ask for (tests/docs/stub.py), and knows what still runs."""

from __future__ import annotations

import array
import contextlib
import marshal
import os
import select
import signal
import socket
import sys
import tempfile
import threading
from pathlib import Path

from tests.docs import stub
from tests.support.deadline import PATIENCE_S, DeadlineExceeded, wait_until
from tests.support.template import Forked, Program, template

PROGRAMS = Program("pynats_cli", "tests.docs.programs:main", ("pynats_cli.__main__",))
NAMES = ("pynats", "pynats-server", "pynats-top", "pynk", "pynsc", "python", "python3", "pytest")


class Relay:
    """Of one page. `folder` belongs in PATH."""

    def __init__(self) -> None:
        self._home = tempfile.TemporaryDirectory(prefix="docs-")  # the name of a socket is short
        home = Path(self._home.name)
        self.socket = home / "relay"
        self.folder = home / "bin"
        self.folder.mkdir()
        program = home / "stub"
        program.write_text(f"#!{sys.executable} -IS\n{Path(stub.__file__).read_text()}")
        program.chmod(0o755)
        for name in NAMES:
            (self.folder / name).symlink_to(program)
        self.failures: dict[str, list[int]] = {}  # of programs that no signal has ended, by command
        self._running: set[Forked] = set()
        self._threads: list[threading.Thread] = []
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(self.socket))
        self._listener.listen()
        self._thread = threading.Thread(target=self._accept)

    def __enter__(self) -> Relay:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._listener.close()
        self._end(signal.SIGTERM)
        with contextlib.suppress(DeadlineExceeded):
            wait_until(lambda: not self._running, "the end of what a page has started", PATIENCE_S)
        self._end(signal.SIGKILL)
        for thread in self._threads:
            thread.join()
        self._home.cleanup()

    def _end(self, number: signal.Signals) -> None:
        for process in tuple(self._running):
            with contextlib.suppress(ProcessLookupError):
                os.kill(process.pid, number)

    def _accept(self) -> None:
        while True:
            try:
                peer, _ = self._listener.accept()
            except OSError:
                return  # the page has ended
            thread = threading.Thread(target=self._serve, args=(peer,))
            self._threads.append(thread)
            thread.start()

    def _serve(self, peer: socket.socket) -> None:
        with peer:
            head, ancillary, _, _ = peer.recvmsg(4, socket.CMSG_SPACE(3 * 4))
            descriptors = array.array("i")
            for _, _, content in ancillary:
                descriptors.frombytes(content)
            text = b""
            while len(text) < int.from_bytes(head, "big"):
                text += peer.recv(1 << 16)
            argv, folder, variables = marshal.loads(text)
            environ = {os.fsdecode(name): os.fsdecode(value) for name, value in variables.items()}
            try:
                first, second, third = descriptors
                process = template(PROGRAMS).fork(argv, (first, second, third), environ, folder)
            finally:
                for number in descriptors:
                    os.close(number)
            self._running.add(process)
            try:
                code, signalled = _watched(process, peer)
            finally:
                self._running.discard(process)
            if code and not signalled:
                self.failures.setdefault(environ[stub.READY], []).append(code)
            with contextlib.suppress(OSError):
                peer.sendall(code.to_bytes(4, "big", signed=True))


def _watched(process: Forked, peer: socket.socket) -> tuple[int, bool]:
    """The exit code, and whether there was a signal. Those to the stub are passed on; its end ends
    the program."""
    ended = os.pidfd_open(process.pid)
    signalled = False
    try:
        poll = select.poll()
        poll.register(ended, select.POLLIN)
        poll.register(peer, select.POLLIN)
        while ended not in {number for number, _ in poll.poll()}:
            numbers = peer.recv(64)
            for number in numbers or (signal.SIGKILL,):
                os.kill(process.pid, number)
                signalled |= number not in (signal.SIGHUP, signal.SIGUSR1)
            if not numbers:
                break
        return process.wait(PATIENCE_S), signalled
    finally:
        os.close(ended)
