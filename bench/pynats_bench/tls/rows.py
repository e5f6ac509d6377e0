"""Rows of TLS and of log-ins."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from socket import socket

from pynats_bench.contender import Contender
from pynats_bench.crowd import Crowd, finished
from pynats_bench.judging.disturbance import Watch
from pynats_bench.model import LoadError, PubSubLoad, RequestLoad, Signer
from pynats_bench.rows import (
    STARTS_PER_SAMPLE,
    Heading,
    PubSubRow,
    RequestRow,
    Row,
    Sample,
    Setting,
    running,
)
from pynats_bench.session import barrier, connect
from pynats_bench.signers import with_jwts, with_nkeys

SECTION = "tls"
ENGINES = ("cryptography", "interpreter", "python")
ENGINE_VARIABLE = "PYNATS_TLS_ENGINE"
PING_PAUSE_S = 0.002
QUIET_PINGS = 200
WARM_UP_MOST = 100  # log-ins before those that are measured
SETTLE_S = 4.0  # a connection gives back memory when it has been idle for a while
LIMIT_MS = 20.0
CROWD_NICE = 10

Signers = Callable[[int], tuple[str, tuple[Signer, ...]]]


@dataclass(frozen=True, slots=True)
class LoginRow:
    """Connections a second, from the first packet to the answer to the first PING."""

    heading: Heading
    count: int
    tls: bool = False
    signers: Signers | None = None
    against_relay: bool = False

    def sample(self, contender: Contender, setting: Setting) -> Sample:
        config, known = self.signers(self.count) if self.signers else ("", ())
        with (
            Crowd(setting.cores_load, tls=self.tls) as crowd,
            running(setting, contender, config, tls=self.tls) as (server, endpoint, _),
        ):
            everybody = [replace(endpoint, signer=signer) for signer in known]
            everybody = everybody or [endpoint] * self.count
            finished(crowd.start(everybody[:WARM_UP_MOST]))
            before, watch = server.cpu_seconds(), Watch()
            arrivals = finished(crowd.start(everybody))
            cpu = server.cpu_seconds() - before
            return Sample(
                self.count / (arrivals.ended - arrivals.began),
                cpu_us=cpu / self.count * 1e6,
                generator_cpu_us=arrivals.cpu_seconds / self.count * 1e6,
                foreign=watch.foreign(cpu + arrivals.cpu_seconds),
            )


@dataclass(frozen=True, slots=True)
class PingRow:
    """Milliseconds that 99 % of a plain client's PINGs do not exceed while others connect."""

    heading: Heading
    count: int
    against_relay: bool = False

    def sample(self, contender: Contender, setting: Setting) -> Sample:
        with (
            # Their handshakes would have the server wait for a processor, whatever it does.
            Crowd(setting.cores_load, tls=True, nice=CROWD_NICE) as crowd,
            running(setting, contender, "allow_non_tls: true\n", tls=True) as (server, secure, _),
            connect(replace(secure, tls=False)) as link,
        ):
            finished(crowd.start([secure] * min(self.count, WARM_UP_MOST)))
            quiet = [_ping(link) for _ in range(QUIET_PINGS)]
            before, watch = server.cpu_seconds(), Watch()
            parts = crowd.start([secure] * self.count, at_once=self.count // 2 or 1)
            times = [_ping(link)]
            while not all(part.done() for part in parts):
                times.append(_ping(link))
            arrivals = finished(parts)
            cpu = server.cpu_seconds() - before
            return Sample(
                _quantile(times, 0.99),
                cpu_us=cpu / self.count * 1e6,
                generator_cpu_us=arrivals.cpu_seconds / self.count * 1e6,
                foreign=watch.foreign(cpu + arrivals.cpu_seconds),
                note=f"p50 {_quantile(times, 0.5):.2f} ms, longest {max(times):.1f} ms of "
                f"{len(times)} (before: p50 {_quantile(quiet, 0.5):.2f} ms, "
                f"p99 {_quantile(quiet, 0.99):.2f} ms, longest {max(quiet):.1f} ms); "
                f"{self.count} connected in {arrivals.ended - arrivals.began:.2f} s",
            )


def _ping(link: socket) -> float:
    """Milliseconds until the answer, after a pause."""
    time.sleep(PING_PAUSE_S)
    begun = time.perf_counter()
    barrier(link)
    return (time.perf_counter() - begun) * 1e3


def _quantile(values: list[float], fraction: float) -> float:
    return sorted(values)[min(int(len(values) * fraction), len(values) - 1)]


@dataclass(frozen=True, slots=True)
class IdleRow:
    """Resident KiB that a connection with TLS adds."""

    heading: Heading
    count: int
    against_relay: bool = False

    def sample(self, contender: Contender, setting: Setting) -> Sample:
        settle = SETTLE_S if setting.seconds >= 0.1 else 0.0
        with (
            Crowd(setting.cores_load, tls=True) as crowd,
            running(setting, contender, "", tls=True) as (server, endpoint, _),
        ):
            finished(crowd.start([endpoint] * min(self.count, WARM_UP_MOST)))
            time.sleep(settle)
            before = server.resident_bytes()
            finished(crowd.start([endpoint] * self.count))
            time.sleep(settle)
            added = server.resident_bytes() - before
            if added <= 0:
                raise LoadError(f"{self.count} connections added no memory")
            return Sample(added / 1024 / self.count)


@dataclass(frozen=True, slots=True)
class SecureStartRow:
    """Milliseconds until "Server is ready" of a server with TLS, or with an operator; median."""

    heading: Heading
    tls: bool = False
    signers: Signers | None = None
    against_relay: bool = False

    def sample(self, contender: Contender, setting: Setting) -> Sample:
        config, _ = self.signers(1) if self.signers else ("", ())
        times, used, shares = [], [], []
        for _ in range(STARTS_PER_SAMPLE):
            watch = Watch()
            with running(setting, contender, config, tls=self.tls) as (server, _, _):
                used.append(server.cpu_seconds())
                shares.append(watch.foreign(used[-1]))
                times.append(server.startup_seconds)
        return Sample(
            statistics.median(times) * 1e3,
            foreign=statistics.median(shares),
            note=f"{statistics.median(used) * 1e3:.0f} ms of CPU time",
        )


def _heading(name: str, title: str, unit: str, target: float | None = None) -> Heading:
    return Heading(name, title, unit, target=target, section=SECTION)


def _message_rows() -> list[Row]:
    return [
        *(
            PubSubRow(
                _heading(f"tls-pubsub-1-1-{size}", f"1 → 1, {label}", "msg/s", target),
                PubSubLoad(size), user="", tls=True,
            )
            for size, label, target in (
                (16, "16 B", 4.0), (128, "128 B", 4.0), (4096, "4 KiB", 1.2),
                (65_536, "64 KiB", 1.2),
            )
        ),
        PubSubRow(
            _heading("tls-fanout-1-100", "fan-out 1 → 100, 128 B", "deliveries/s", 1.0),
            PubSubLoad(128, subscribers=100), user="", tls=True,
        ),
        *(
            RequestRow(
                _heading(f"tls-request-{many}", f"request/reply, 16 B, {title}", "req/s"),
                RequestLoad(many), user="", tls=True,
            )
            for many, title in ((1, "1 requester"), (16, "16 requesters"))
        ),
        *(
            PubSubRow(
                _heading(
                    f"tls-engines-{engine}-{size}", f"engine {engine}, 1 → 1, {label}", "msg/s"
                ),
                PubSubLoad(size), user="", tls=True, environment=((ENGINE_VARIABLE, engine),),
            )
            for size, label in ((128, "128 B"), (4096, "4 KiB"))
            for engine in ENGINES
        ),
    ]  # fmt: skip


def _start_rows() -> list[Row]:
    return [
        SecureStartRow(
            replace(
                _heading(f"startup-{name}", f'start-up to "Server is ready", {title}', "ms"),
                more_is_better=False,
            ),
            tls=name == "tls", signers=signers,
        )
        for name, title, signers in (("tls", "TLS", None), ("operator", "operator", with_jwts))
    ]  # fmt: skip


def tls_rows(scale: float = 1.0) -> list[Row]:
    """Every row of the section. `scale` shrinks the numbers of connections for tests."""

    def count(full: int) -> int:
        return max(int(full * scale), 4)

    ping = _heading(
        "tls-connect-ping", "ping of a plain client while 500 connect with TLS, p99", "ms"
    )
    idle = _heading("tls-memory", "memory of an idle connection with TLS", "KiB", 0.5)
    return [
        *_message_rows(),
        *_start_rows(),
        LoginRow(_heading("tls-connect", "log-ins, full handshake", "/s"), count(1000), tls=True),
        LoginRow(_heading("login-jwt", "log-ins, JWT", "/s", 1.0), count(1000), signers=with_jwts),
        LoginRow(_heading("login-nkey", "log-ins, NKey", "/s"), count(1000), signers=with_nkeys),
        LoginRow(_heading("login-plain", "log-ins, nothing to check", "/s"), count(1000)),
        PingRow(replace(ping, more_is_better=False, limit=LIMIT_MS), count(500)),
        IdleRow(replace(idle, more_is_better=False, heavy=True), count(5000)),
    ]
