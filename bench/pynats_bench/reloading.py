"""`python -m pynats_bench.reloading`: what clients notice of reloads under load.

Clients of many accounts receive numbered messages, while the configuration changes again and again:
users, permissions, exports, imports, mappings and limits. Prints how many messages were lost (there
should be none) and how long somebody in another account has waited for a PONG, without reloads and
with them.
"""

from __future__ import annotations

import argparse
import selectors
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from pynats_bench.model import Endpoint, LoadError
from pynats_bench.pauses.probe import USER, Figures, Probe

CHANGING = "CHANGING"
PAUSE_S = 0.1  # between two rounds of messages, one for each account
START_S = 60.0
DONE = b"Reloaded server configuration"


def configuration(accounts: int, users: int, turn: int) -> str:
    """The `turn`-th of the configurations, which alternate: in every second account."""
    odd = turn % 2
    lines = ['listen: "127.0.0.1:-1"', "accounts {", f"  {USER} {{ users [ {_user(USER)} ] }}"]
    shared = '{ stream: "s.>" }' + (', { service: "q.>" }' if odd else "")
    for number in range(accounts):
        listed = ", ".join(_user(f"u{number}-{n}") for n in range(users))
        prefix = f"p{odd if number < accounts // 2 else 0}"
        imports = f'{{ stream: {{ account: {CHANGING}, subject: "s.>" }}, prefix: {prefix} }}'
        lines.append(f"  A{number} {{ users [ {listed} ], imports [ {imports} ] }}")
    rules = f', permissions {{ publish: "x{odd}", subscribe: ["data", "x{odd}.>"] }}'
    listed = ", ".join(_user(f"c-{n}", rules) for n in range(users))
    extra = f"mappings {{ foo: bar{odd} }}, limits {{ max_payload: {1000 + odd} }}"
    lines.append(f"  {CHANGING} {{ users [ {listed} ], exports [ {shared} ], {extra} }}")
    return "\n".join([*lines, "}"])


def _user(name: str, more: str = "") -> str:
    return f'{{ user: "{name}", password: "{name}"{more} }}'


class Server:
    """One server, started by this program."""

    def __init__(self, folder: Path, text: str) -> None:
        self._config = folder / "s.conf"
        self._log = folder / "log"
        self._config.write_text(text)
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "pynats_server", "-c", str(self._config)],
                stdout=log, stderr=log,
            )  # fmt: skip
        self._wait(b"Server is ready", 1)
        place = self._log.read_bytes().split(b"client connections on ")[1].split()[0]
        self.port = int(place.rsplit(b":", 1)[1])

    def _wait(self, text: bytes, count: int) -> None:
        end = time.monotonic() + START_S
        while self._log.read_bytes().count(text) < count:
            if time.monotonic() > end or self._process.poll() is not None:
                raise LoadError(f"the server does not say {text.decode()!r}: {self.tail()}")
            time.sleep(0.01)

    def reload(self, text: str) -> None:
        before = self._log.read_bytes().count(DONE)
        self._config.write_text(text)
        self._process.send_signal(signal.SIGHUP)
        self._wait(DONE, before + 1)

    def tail(self) -> str:
        return self._log.read_text(errors="replace")[-2000:]

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(START_S)


def connect(port: int, user: str) -> socket.socket:
    """A client that has logged in and listens to `data`."""
    link = socket.create_connection(("127.0.0.1", port))
    link.settimeout(START_S)
    text = f'CONNECT {{"user":"{user}","pass":"{user}","verbose":false}}\r\nSUB data 1\r\nPING\r\n'
    link.sendall(text.encode())
    got = b""
    while b"PONG\r\n" not in got:
        piece = link.recv(65536)
        if not piece:
            raise LoadError(f"{user} is refused: {got[-100:]!r}")
        got += piece
    link.setblocking(False)
    return link


class Load:
    """Clients that publish and receive in a thread of their own."""

    def __init__(self, port: int, accounts: int, users: int) -> None:
        self.sent = 0
        self.received = 0
        self.lost = 0
        self._users = users
        self._selector = selectors.DefaultSelector()
        self._next: dict[socket.socket, int] = {}
        self._rest: dict[socket.socket, bytes] = {}
        self._publishers: list[socket.socket] = []
        for number in range(accounts):
            for user in range(users):
                link = connect(port, f"u{number}-{user}")
                self._selector.register(link, selectors.EVENT_READ)
                self._next[link], self._rest[link] = 0, b""
                if user == 0:
                    self._publishers.append(link)
        self._bystanders = [connect(port, f"c-{user}") for user in range(users)]
        self._ends = False
        self._thread = threading.Thread(target=self._run)

    def start(self) -> None:
        self._thread.start()

    def _run(self) -> None:
        rounds = 0
        due = time.monotonic()
        while not self._ends:
            if time.monotonic() >= due:
                due += PAUSE_S
                body = b"%09d" % rounds
                for link in self._publishers:
                    link.sendall(b"PUB data 9\r\n" + body + b"\r\n")
                rounds += 1
                self.sent += len(self._publishers)
            self._take(max(0.0, due - time.monotonic()))
        end = time.monotonic() + START_S
        wanted = rounds * self._users * len(self._publishers)
        while self.received < wanted and time.monotonic() < end:
            self._take(0.1)
        self.lost = wanted - self.received

    def _take(self, wait_s: float) -> None:
        for key, _ in self._selector.select(wait_s):
            link = key.fileobj
            assert isinstance(link, socket.socket)
            data = self._rest[link] + link.recv(1 << 16)
            if not data:
                raise LoadError("a client was disconnected")
            *lines, self._rest[link] = data.split(b"\r\n")
            for line in lines:
                if line[:3] == b"MSG":
                    continue
                if line.isdigit():
                    if int(line) != self._next[link]:
                        raise LoadError(f"message {line!r} instead of {self._next[link]}")
                    self._next[link] += 1
                    self.received += 1
                elif line == b"PING":
                    link.sendall(b"PONG\r\n")
                elif line[:1] == b"-":
                    raise LoadError(line.decode())

    def stop(self) -> None:
        self._ends = True
        self._thread.join()
        for link in (*self._next, *self._bystanders):
            link.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--accounts", type=int, default=19)
    parser.add_argument("--users", type=int, default=50, help="clients of an account")
    parser.add_argument("--reloads", type=int, default=20)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="reloading-") as folder:
        first = configuration(options.accounts, options.users, 0)
        server = Server(Path(folder), first)
        try:
            load = Load(server.port, options.accounts, options.users)
            endpoint = Endpoint("127.0.0.1", server.port, USER, USER)
            load.start()
            try:
                with Probe(endpoint) as probe:
                    time.sleep(options.reloads * 0.1)
                    calm = probe.end()
                longest = 0.0
                with Probe(endpoint) as probe:
                    for turn in range(1, options.reloads + 1):
                        begun = time.monotonic()
                        text = configuration(options.accounts, options.users, turn)
                        server.reload(text)
                        longest = max(longest, time.monotonic() - begun)
                        time.sleep(0.1)
                    busy = probe.end()
            finally:
                load.stop()
        finally:
            server.stop()
    clients = (options.accounts + 1) * options.users
    print(f"{clients} clients, {load.sent} messages published, {load.received} received")
    print(f"lost: {load.lost}")
    print(f"a reload took at most {longest * 1000:.0f} ms")
    _show("without reloads", calm)
    _show(f"{options.reloads} reloads", busy)


def _show(name: str, figures: Figures) -> None:
    print(
        f"{name}: PONG after {figures.p50_ms:.2f} ms (p50), {figures.p99_ms:.2f} (p99), "
        f"{figures.largest_ms:.2f} at most, of {figures.count}"
    )


if __name__ == "__main__":
    try:
        main()
    except LoadError as problem:
        sys.exit(f"reloading: {problem}")
