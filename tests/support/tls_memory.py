"""python -m tests.support.tls_memory ENGINE COUNT

What a connection costs the server, in bytes of C memory, as a JSON object. A process of its own,
because malloc is told to have one arena, so that it can say what is in use.
"""

from __future__ import annotations

import ctypes
import gc
import json
import sys
import time
from collections.abc import Callable

from pynats_server.core import client as core_client
from pynats_server.tls.engine import ENGINES

from tests.support.authorities import Authority
from tests.support.deadline import pause
from tests.support.tls import PythonClient, TlsPlan, held
from tests.support.tls_server import dial, tls_server

M_ARENA_MAX = -8
SETTLED_S = 1.5  # the server gives back memory after a while without traffic


class Mallinfo(ctypes.Structure):
    _fields_ = [
        (name, ctypes.c_size_t)
        for name in (
            "arena", "ordblks", "smblks", "hblks", "hblkhd", "usmblks", "fsmblks", "uordblks",
            "fordblks", "keepcost",
        )
    ]  # fmt: skip


libc = ctypes.CDLL(None)
libc.mallinfo2.restype = Mallinfo


def in_use() -> int:
    gc.collect()
    found = libc.mallinfo2()
    return int(found.uordblks + found.hblkhd)


def main(name: str, count: int) -> None:
    libc.mallopt(M_ARENA_MAX, 1)
    core_client.FIRST_PING_NS = 1 << 60
    authority = Authority("CA")
    plan = TlsPlan((held(authority.issue("CN=localhost", ["localhost"])),))
    found = {}
    with tls_server(ENGINES[name](), plan) as running:
        hello = PythonClient(authority)
        hello.shake(b"")
        said = hello.take()

        def silent() -> object:
            return dial(running)

        def begun() -> object:
            sock = dial(running)
            sock.sendall(said)
            sock.recv(1)  # it has answered
            return sock

        def half() -> object:
            sock = dial(running)
            sock.sendall(said[:-1])
            return sock

        def idle() -> object:
            """After 4 KiB each way; the client's side of TLS is freed."""
            sock = dial(running)
            client = PythonClient(authority)
            client.shake(b"")
            sock.sendall(client.take())
            while not client.shake(sock.recv(1 << 16)):
                pass
            client.tls.write(b"CONNECT {}\r\nSUB a 1\r\nPUB a 4096\r\n" + bytes(4096) + b"\r\n")
            sock.sendall(client.take())
            heard = b""
            while len(heard) < 4096:
                heard += client.read(sock.recv(1 << 16))
            return sock

        def cost(connect: Callable[[], object], settled: float) -> int:
            kept = [connect() for _ in range(5)]  # what is made once
            pause(settled)
            before = in_use()
            kept += [connect() for _ in range(count)]
            pause(settled)
            spent = in_use() - before
            del kept
            deadline = time.monotonic() + 20
            while running.server.state.clients() and time.monotonic() < deadline:
                pause(0.01)
            return spent // count

        cost(idle, 0.0)  # fills pools
        for kind in (silent, half, begun):
            found[kind.__name__] = cost(kind, 0.2)
        found["idle"] = cost(idle, SETTLED_S)
    print(json.dumps(found))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
