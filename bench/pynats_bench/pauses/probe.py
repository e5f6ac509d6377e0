"""A client of another account that measures how long its own small requests take.

`python -m pynats_bench.pauses.probe PORT KIND` writes "ready" when it is connected, measures until
its standard input ends, and then writes its latencies as JSON (`Figures`).
"""

from __future__ import annotations

import json
import select
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from types import TracebackType
from typing import Self

from pynats_bench.model import Endpoint, LoadError
from pynats_bench.session import barrier, connect, request

USER = "probe"
PAUSE_S = 0.001  # between two requests
LOST_S = 5.0  # a request without an answer for so long counts as lost, with this latency
STUCK_S = 30.0  # a probe that says nothing for so long after its end is given up
STREAM = "PROBE"


@dataclass(frozen=True, slots=True)
class Figures:
    """Latencies in milliseconds; a request that was lost counts as `LOST_S`."""

    count: int
    p50_ms: float
    p99_ms: float
    p999_ms: float
    largest_ms: float


def figures(latencies_s: list[float]) -> Figures:
    """The percentiles of at least one latency."""
    ordered = sorted(latencies_s)

    def at(share: float) -> float:
        return ordered[min(len(ordered) - 1, int(len(ordered) * share))] * 1e3

    return Figures(len(ordered), at(0.5), at(0.99), at(0.999), ordered[-1] * 1e3)


class Probe:
    """A probe under way; entering returns when it is connected, `end` has the figures."""

    def __init__(self, endpoint: Endpoint, kind: str = "ping") -> None:
        self._arguments = [str(endpoint.port), kind]

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, "-m", __name__, *self._arguments],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert self._process.stdout is not None
        if self._process.stdout.readline().strip() != "ready":
            raise LoadError("the probe could not connect")
        return self

    def end(self) -> Figures:
        """Stops measuring; waits for the request that is on its way."""
        try:
            out, _ = self._process.communicate(timeout=STUCK_S)
        except subprocess.TimeoutExpired:
            raise LoadError(f"the other tenant got no answer in {STUCK_S:g} s") from None
        if not out:
            raise LoadError("the probe lost its connection")
        return Figures(**json.loads(out))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        self._process.kill()
        self._process.communicate()


class Asker:
    """The probe's connection."""

    def __init__(self, port: int, kind: str) -> None:
        self._endpoint = Endpoint("127.0.0.1", port, USER, USER)
        self._kind = kind
        self._link = connect(self._endpoint)
        if kind == "publish":
            config = {"name": STREAM, "subjects": [STREAM], "storage": "file"}
            request(self._link, f"$JS.API.STREAM.CREATE.{STREAM}", json.dumps(config).encode())

    def ask(self) -> float:
        """Seconds until the answer of one request."""
        self._link.settimeout(LOST_S)
        begun = time.perf_counter()
        try:
            if self._kind == "ping":
                barrier(self._link)
            else:
                subject = STREAM if self._kind == "publish" else "$JS.API.INFO"
                request(self._link, subject, b"")
        except LoadError:
            if time.perf_counter() - begun < LOST_S:
                raise
            self._link.close()
            self._link = connect(self._endpoint)
            return LOST_S
        return time.perf_counter() - begun


def main() -> None:
    asker = Asker(int(sys.argv[1]), sys.argv[2])
    print("ready", flush=True)
    latencies: list[float] = []
    while not select.select([sys.stdin], [], [], PAUSE_S)[0] or not latencies:
        latencies.append(asker.ask())
    print(json.dumps(asdict(figures(latencies))))


if __name__ == "__main__":
    try:
        main()
    except LoadError as problem:
        sys.exit(f"probe: {problem}")
