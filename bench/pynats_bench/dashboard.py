"""`python -m pynats_bench.dashboard`: what clients notice of an open dashboard.

A server has many connections, most of them idle, and many streams. Prints how long a client in
another account waits for a PONG: while nobody looks, and while somebody asks for each view of the
dashboard (`/ui`) at the pace of a page that is open; and how long each of those answers takes and
how large it is.
"""

from __future__ import annotations

import argparse
import http.client
import json
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from socket import socket

from pynats_bench.crowd import Crowd, finished
from pynats_bench.model import Endpoint, LoadError
from pynats_bench.pauses.probe import USER, Figures, Probe
from pynats_bench.session import connect, request

OWNER = "crowd"
ACTIVE_PAUSE_S = 0.01  # between two messages of the busy ones
START_S = 30.0
LOOK_S = 2.0  # between two looks of an open page
CONFIG = """
listen: "127.0.0.1:-1"
http: "127.0.0.1:-1"
http_ui: true
ports_file_dir: "{folder}"
jetstream {{ store_dir: "{folder}/js" }}
accounts {{
  {probe} {{ users [ {{ user: "{probe}", password: "{probe}" }} ] }}
  {owner} {{ jetstream: enabled, users [ {{ user: "{owner}", password: "{owner}" }} ] }}
}}
"""
# What each view asks for, with the orders that cost most.
COMMON = ("varz",)
VIEWS = {
    "overview": ("jsz", "healthz?details=1"),
    "connections": ("connz?auth=1&sort=bytes_from&limit=50",),
    "search": ("connz?auth=1&sort=idle&limit=50&search=zzz",),
    "slow": (
        "connz?auth=1&sort=pending&limit=25",
        "connz?auth=1&state=closed&sort=stop&search=slow+consumer&limit=25",
    ),
    "accounts": ("ui/accounts?sort=in_msgs&limit=50",),
    "streams": ("ui/streams?sort=bytes&limit=50",),
    "consumers": ("ui/consumers?sort=lag&limit=50",),
}


class Server:
    """One server, started by this program."""

    def __init__(self, folder: Path) -> None:
        config = folder / "s.conf"
        config.write_text(CONFIG.format(folder=folder, probe=USER, owner=OWNER))
        self._process = subprocess.Popen(
            [sys.executable, "-m", "pynats_server", "-c", str(config)],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        self.port, self.http_port = self._ports(folder)

    def _ports(self, folder: Path) -> tuple[int, int]:
        ends = time.monotonic() + START_S
        while time.monotonic() < ends:
            for file in folder.glob("*.ports"):
                try:
                    ports = json.loads(file.read_text())
                except ValueError:  # being written
                    continue
                ends_of = (ports[kind][0].rpartition(":")[2] for kind in ("nats", "monitoring"))
                client, monitoring = map(int, ends_of)
                return client, monitoring
            time.sleep(0.05)
        raise LoadError("the server did not start")

    def end(self) -> None:
        self._process.terminate()
        self._process.wait()


def fill(port: int, streams: int) -> None:
    """Makes the streams, with some messages and a consumer each."""
    with connect(_endpoint(port, OWNER)) as link:
        for number in range(streams):
            name = f"STREAM-{number:05d}"
            config = {"name": name, "subjects": [f"s.{number}"], "storage": "memory"}
            _ask(link, f"$JS.API.STREAM.CREATE.{name}", config)
            for _ in range(number % 5):
                request(link, f"s.{number}", b"x" * 100)
            consumer = {"stream_name": name, "config": {"durable_name": "c", "ack_policy": "none"}}
            _ask(link, f"$JS.API.CONSUMER.DURABLE.CREATE.{name}.c", consumer)


def _ask(link: socket, subject: str, body: object) -> None:
    answer = json.loads(request(link, subject, json.dumps(body).encode())[1])
    if "error" in answer:
        raise LoadError(f"{subject}: {answer['error']}")


def _endpoint(port: int, user: str) -> Endpoint:
    return Endpoint("127.0.0.1", port, user, user)


class Page:
    """Asks for one view again and again, as a page that is open does."""

    def __init__(self, port: int, paths: tuple[str, ...]) -> None:
        self._link = http.client.HTTPConnection("127.0.0.1", port)
        self._paths = paths
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._look)
        self.took_ms: list[float] = []
        self.size = 0

    def __enter__(self) -> Page:
        self._thread.start()
        return self

    def _look(self) -> None:
        while not self._closed.is_set():
            began = time.perf_counter()
            size = 0
            for path in (*COMMON, *self._paths):
                self._link.request("GET", f"/{path}")
                size += len(self._link.getresponse().read())
            self.took_ms.append((time.perf_counter() - began) * 1e3)
            self.size = size
            self._closed.wait(LOOK_S)

    def __exit__(self, *_: object) -> None:
        self._closed.set()
        self._thread.join()
        self._link.close()


@contextmanager
def busy(port: int, count: int) -> Iterator[None]:
    """Some clients that send messages."""
    links = [connect(_endpoint(port, OWNER)) for _ in range(count)]
    closed = threading.Event()

    def send() -> None:
        while not closed.wait(ACTIVE_PAUSE_S):
            for number, link in enumerate(links):
                link.sendall(b"PUB busy.%d 16\r\n0123456789abcdef\r\n" % number)

    thread = threading.Thread(target=send)
    thread.start()
    try:
        yield
    finally:
        closed.set()
        thread.join()
        for link in links:
            link.close()


def measured(port: int, seconds: float) -> Figures:
    with Probe(_endpoint(port, USER)) as probe:
        time.sleep(seconds)
        return probe.end()


def _row(name: str, found: Figures, more: str = "") -> str:
    return (
        f"{name:14}{found.count:8}{found.p50_ms:9.3f}{found.p99_ms:9.3f}{found.p999_ms:9.3f}"
        f"{found.largest_ms:9.3f}{more}"
    )


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m pynats_bench.dashboard", description=__doc__)
    parser.add_argument("--connections", type=int, default=10_000)
    parser.add_argument("--active", type=int, default=20, help="of them, those that send")
    parser.add_argument("--streams", type=int, default=1000)
    parser.add_argument("--seconds", type=float, default=8.0, help="of each measurement")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        server = Server(Path(folder))
        try:
            fill(server.port, asked.streams)
            with Crowd(None, tls=False) as crowd, busy(server.port, asked.active):
                idle = [_endpoint(server.port, OWNER)] * (asked.connections - asked.active)
                finished(crowd.start(idle))
                print(f"{asked.connections} connections, {asked.streams} streams; PONG in ms")
                print(f"{'':14}{'count':>8}{'p50':>9}{'p99':>9}{'p99.9':>9}{'largest':>9}", end="")
                print(f"{'answers ms':>12}{'size':>9}")
                print(_row("nobody looks", measured(server.port, asked.seconds)), flush=True)
                for name, paths in VIEWS.items():
                    with Page(server.http_port, paths) as page:
                        found = measured(server.port, asked.seconds)
                    took = sorted(page.took_ms)[len(page.took_ms) // 2]
                    more = f"{took:12.1f}{page.size / 1024:7.0f} K"
                    print(_row(name, found, more), flush=True)
                print(_row("nobody looks", measured(server.port, asked.seconds)))
        finally:
            server.end()
    return 0


if __name__ == "__main__":
    sys.exit(main())
