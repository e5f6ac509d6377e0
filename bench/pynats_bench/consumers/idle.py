"""Very many consumers with nothing to do: their memory, and what they cost while nobody asks."""

from __future__ import annotations

import contextlib
import json
import socket
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pynats_bench.contender import Contender, Running
from pynats_bench.model import LoadError
from pynats_bench.rows import SETTLE_S, Heading, Sample, Setting, explained
from pynats_bench.session import connect, subscribe
from pynats_bench.streams.rows import configuration

REQUESTS_AHEAD = 64
WATCH_S = 5.0


def ask_all(link: socket.socket, requests: Iterator[tuple[str, dict[str, object]]]) -> int:
    """Sends API requests, some ahead of their answers. Returns their number; LoadError for the
    first that is refused."""
    inbox = "_INBOX.idle"
    subscribe(link, [inbox])
    stream = link.makefile("rb")
    sent = answered = 0
    more = True
    while more or answered < sent:
        while more and sent - answered < REQUESTS_AHEAD:
            following = next(requests, None)
            if following is None:
                more = False
                break
            subject, config = following
            body = json.dumps(config).encode()
            link.sendall(f"PUB {subject} {inbox} {len(body)}\r\n".encode() + body + b"\r\n")
            sent += 1
        if answered == sent:
            break
        line = stream.readline()
        if not line:
            raise LoadError("the server closed the connection")
        if line.startswith(b"PING"):
            link.sendall(b"PONG\r\n")
        elif line.startswith((b"MSG ", b"HMSG ")):
            answer = stream.read(int(line.split()[-1]) + 2)
            if b'"error"' in answer or line.startswith(b"HMSG "):
                raise LoadError(f"request {answered + 1}: {answer[:300]!r}")
            answered += 1
        elif line.startswith(b"-ERR"):
            raise LoadError(line.decode("latin-1").strip())
    return answered


def _streams(count: int, consumers: int) -> Iterator[tuple[str, dict[str, object]]]:
    for number in range(count):
        yield (
            f"$JS.API.STREAM.CREATE.IDLE{number}",
            {
                "name": f"IDLE{number}",
                "subjects": [f"idle.{number}.>"],
                "num_replicas": 1,
                "max_consumers": consumers,
            },
        )


def _consumers(streams: int, each: int) -> Iterator[tuple[str, dict[str, object]]]:
    for stream in range(streams):
        for number in range(each):
            config = {"durable_name": f"c{number}", "ack_policy": "explicit", "num_replicas": 1}
            yield (
                f"$JS.API.CONSUMER.CREATE.IDLE{stream}.c{number}",
                {
                    "stream_name": f"IDLE{stream}",
                    "config": {"name": f"c{number}", **config},
                    "action": "create",
                },
            )


@dataclass(frozen=True, slots=True)
class IdleRow:
    """Durable pull consumers with file storage: `each` of them on each of `streams` streams.

    `figure` is "memory" (growth of the resident memory by the consumers, MiB) or "cpu"
    (milliseconds of CPU a second while nothing happens).
    """

    heading: Heading
    streams: int
    each: int
    figure: str
    against_relay: bool = False

    def sample(self, contender: Contender, setting: Setting) -> Sample:
        with contextlib.ExitStack() as stack:
            folder = Path(
                stack.enter_context(
                    tempfile.TemporaryDirectory(prefix="bench-", dir=setting.store_folder)
                )
            )
            config = folder / "server.conf"
            config.write_text(configuration(folder / "store", ""))
            server = stack.enter_context(setting.start(contender, config))
            link = stack.enter_context(connect(server.endpoint))
            try:
                ask_all(link, _streams(self.streams, self.each))
                before = server.resident_bytes()
                started = time.monotonic()
                with connect(server.endpoint) as other:
                    count = ask_all(other, _consumers(self.streams, self.each))
                took = time.monotonic() - started
            except LoadError as error:
                raise explained(server, error) from None
            return self._figure(server, before, count, took, setting)

    def _figure(
        self, server: Running, before: int, count: int, took: float, setting: Setting
    ) -> Sample:
        note = f"{count:,} consumers created in {took:.1f} s"
        quick = setting.seconds < 0.1
        if self.figure == "memory":
            time.sleep(0.0 if quick else SETTLE_S)
            return Sample(max(server.resident_bytes() - before, 0) / 2**20, note=note)
        time.sleep(0.0 if quick else WATCH_S)  # what creating them has left to do
        used, begun = server.cpu_seconds(), time.monotonic()
        time.sleep(0.1 if quick else WATCH_S)
        share = (server.cpu_seconds() - used) / (time.monotonic() - begun)
        return Sample(share * 1e3, note=note)
