"""The rows of the comparison: what is measured, its unit, and its target.

A row knows how to take one sample from one contender. New kinds of rows are new classes
with the same three parts: `Heading`, `against_relay`, `sample`; see `streams.rows`.
"""

from __future__ import annotations

import contextlib
import statistics
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from pynats_bench.contender import Contender, Running
from pynats_bench.judging.disturbance import Watch
from pynats_bench.load import PubSubSession, RequestSession, shuffled
from pynats_bench.model import Endpoint, LoadError, PubSubLoad, RequestLoad, Result
from pynats_bench.session import connect, subscribe
from pynats_bench.tenants import tenants_config
from pynats_bench.tls.certificate import tls_config

PROBE_MESSAGES = 500  # messages of the first probe: any server handles these at once
PROBE_SHARE = 0.15  # a probe that lasts this share of the steady time is long enough
PROBE_GROWTH_MAX = 20.0  # largest growth from one probe to the next
WARM_UP_SHARE = 0.1  # of the measured run, in front of it
SETTLE_S = 1.0  # before memory is read
STARTS_PER_SAMPLE = 5
SUBSCRIPTIONS_PER_CONNECTION = 100_000

USER = "bench"
PASSWORD = "bench-pass-1"
PERMISSIONS_CONFIG = f"""\
authorization {{
  users: [
    {{
      user: {USER}
      password: "{PASSWORD}"
      permissions: {{
        publish: {{ allow: ["orders.*.created", "events.>", "metrics"], deny: ["events.secret.>"] }}
        subscribe: ">"
      }}
    }}
  ]
}}
"""


@dataclass(frozen=True, slots=True)
class Heading:
    """Name and meaning of a row. `target` is the wanted ratio to the reference.

    `limit` is a target in the row's own unit, independent of the reference. `section` names the
    row's table, "" is the main one.
    """

    name: str
    title: str
    unit: str
    more_is_better: bool = True
    target: float | None = None
    limit: float | None = None
    heavy: bool = False
    section: str = ""


@dataclass(slots=True)
class Sample:
    """One measurement in the row's unit; `cpu_us` is server CPU time per message.

    `foreign` is the share of the machine that others used during the sample: other processes, their
    interrupts, a hypervisor. `disk`
    is the raw group-commit rate for each of `disk.WINDOWS`, measured just before.
    """

    value: float
    cpu_us: float | None = None
    generator_cpu_us: float | None = None
    foreign: float | None = None
    note: str = ""
    disk: tuple[float, ...] = ()


@dataclass(slots=True)
class Setting:
    """State shared by all samples of a comparison. `counts` keeps calibrated message counts.

    `store_folder` is where JetStream stores go (None: the system's temporary folder).
    """

    seconds: float = 1.0
    cores_server: frozenset[int] | None = None
    cores_load: frozenset[int] | None = None
    verify: bool = False
    counts: dict[tuple[str, str], int] | None = None
    store_folder: Path | None = None

    def start(self, contender: Contender, config: Path | None = None) -> Running:
        return Running(contender, config=config, cores=self.cores_server)


class Row(Protocol):
    """One line of the table."""

    @property
    def heading(self) -> Heading: ...

    @property
    def against_relay(self) -> bool: ...

    def sample(self, contender: Contender, setting: Setting) -> Sample: ...


class _Session(Protocol):
    def run(self, messages: int) -> Result: ...


def _calibrate(session: _Session, seconds: float) -> int:
    """Message count per publisher for `seconds` of load; runs growing probes."""
    count = PROBE_MESSAGES
    while True:
        result = session.run(count)
        if result.seconds >= seconds * PROBE_SHARE:
            return max(int(count * seconds / result.seconds), 1)
        growth = seconds * PROBE_SHARE * 1.5 / result.seconds
        count = int(count * min(max(growth, 1.5), PROBE_GROWTH_MAX)) + 1


def measure(session: _Session, row: str, server: Running, who: str, setting: Setting) -> Sample:
    """Calibrate once per row and contender, warm up, then take the sample."""
    counts = setting.counts if setting.counts is not None else {}
    if (row, who) not in counts:
        counts[row, who] = _calibrate(session, setting.seconds)
    count = counts[row, who]
    session.run(max(int(count * WARM_UP_SHARE), 1))
    before, watch = server.cpu_seconds(), Watch()
    result = session.run(count)
    cpu = server.cpu_seconds() - before
    foreign = watch.foreign(cpu)
    latency = result.latency
    return Sample(
        value=result.rate,
        cpu_us=cpu / result.messages * 1e6,
        generator_cpu_us=result.generator_cpu_seconds / result.messages * 1e6,
        foreign=foreign,
        note=f"p50 {latency.p50_us:.0f} µs, p99 {latency.p99_us:.0f} µs" if latency else "",
    )


def explained(server: Running, error: LoadError) -> LoadError:
    """The same error, with the server's last log lines if it died."""
    if server.alive():
        return error
    return LoadError(f"{error}; the server died: {server.last_log_line()}")


@contextlib.contextmanager
def running(
    setting: Setting,
    contender: Contender,
    config: str,
    user: str = "",
    receiver: str = "",
    *,
    tls: bool = False,
) -> Iterator[tuple[Running, Endpoint, Endpoint]]:
    """A server, its endpoint for those who send, and for those who receive, if they are others. A
    LoadError tells whether the server died."""
    with tempfile.TemporaryDirectory() as folder:
        if tls:
            config += tls_config(Path(folder))
        file = Path(folder) / "server.conf" if config else None
        if file:
            file.write_text(config)
        with setting.start(contender, file) as server:
            endpoint = receiving = replace(server.endpoint, tls=tls)
            if config and user:
                endpoint = replace(endpoint, user=user, password=PASSWORD)
                receiving = replace(endpoint, user=receiver or user)
            try:
                yield server, endpoint, receiving
            except LoadError as error:
                raise explained(server, error) from None


@dataclass(frozen=True, slots=True)
class PubSubRow:
    """Messages delivered (or, without subscribers, published) a second."""

    heading: Heading
    load: PubSubLoad
    config: str = ""
    against_relay: bool = False
    user: str = USER
    receiver: str = ""  # the user that subscribes, if it is another
    tls: bool = False
    environment: tuple[tuple[str, str], ...] = ()

    def sample(self, contender: Contender, setting: Setting) -> Sample:
        contender = replace(contender, environment=self.environment)
        server_of = running(setting, contender, self.config, self.user, self.receiver, tls=self.tls)
        with (
            server_of as (server, endpoint, receiving),
            PubSubSession(
                endpoint, self.load, cores=setting.cores_load, receiving=receiving
            ) as session,
        ):
            if setting.verify and not contender.bare:
                session.run(PROBE_MESSAGES, verify=True)
            return measure(session, self.heading.name, server, contender.name, setting)


@dataclass(frozen=True, slots=True)
class RequestRow:
    """Requests answered a second."""

    heading: Heading
    load: RequestLoad
    against_relay: bool = False
    config: str = ""
    user: str = USER
    responder: str = ""  # the user that responds, if it is another
    tls: bool = False

    def sample(self, contender: Contender, setting: Setting) -> Sample:
        server_of = running(
            setting, contender, self.config, self.user, self.responder, tls=self.tls
        )
        with (
            server_of as (server, endpoint, receiving),
            RequestSession(
                endpoint, self.load, cores=setting.cores_load, receiving=receiving
            ) as session,
        ):
            return measure(session, self.heading.name, server, contender.name, setting)


@dataclass(frozen=True, slots=True)
class MemoryRow:
    """Resident MiB with so many accounts, idle connections or subscriptions."""

    heading: Heading
    accounts: int = 0
    connections: int = 0
    subscriptions: int = 0
    against_relay: bool = False

    def sample(self, contender: Contender, setting: Setting) -> Sample:
        with contextlib.ExitStack() as links:
            config = links.enter_context(_config_of(self.accounts))
            server = links.enter_context(setting.start(contender, config))
            try:
                for _ in range(self.connections):
                    links.enter_context(connect(server.endpoint))
                for first in range(0, self.subscriptions, SUBSCRIPTIONS_PER_CONNECTION):
                    last = min(first + SUBSCRIPTIONS_PER_CONNECTION, self.subscriptions)
                    link = links.enter_context(connect(server.endpoint))
                    subscribe(link, (f"memory.{number}.data" for number in range(first, last)))
                time.sleep(SETTLE_S if setting.seconds >= 0.1 else 0.0)
                return Sample(server.resident_bytes() / 2**20)
            except LoadError as error:
                raise explained(server, error) from None


@dataclass(frozen=True, slots=True)
class StartupRow:
    """Milliseconds from starting the process to its line "Server is ready", median of five."""

    heading: Heading
    accounts: int = 0
    against_relay: bool = False

    def sample(self, contender: Contender, setting: Setting) -> Sample:
        times, used, shares = [], [], []
        with _config_of(self.accounts) as config:
            for _ in range(STARTS_PER_SAMPLE):
                watch = Watch()
                with setting.start(contender, config) as server:
                    used.append(server.cpu_seconds())
                    shares.append(watch.foreign(used[-1]))
                    times.append(server.startup_seconds)
        return Sample(
            statistics.median(times) * 1e3,
            foreign=statistics.median(shares),
            note=f"{statistics.median(used) * 1e3:.0f} ms of CPU time",
        )


@contextlib.contextmanager
def _config_of(accounts: int) -> Iterator[Path | None]:
    """A file with so many accounts; None for none."""
    if not accounts:
        yield None
        return
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "server.conf"
        config.write_text(tenants_config(accounts))
        yield config


def all_rows(scale: float = 1.0) -> list[Row]:
    """Every row, in table order. `scale` shrinks connection and subscription counts for tests."""
    rows: list[Row] = [
        PubSubRow(
            Heading("publish-16", "publish only, 16 B", "msg/s", target=6.0),
            PubSubLoad(16, subscribers=0),
        )
    ]
    for size, label, target in (
        (16, "16 B", 6.0),
        (128, "128 B", 4.0),
        (4096, "4 KiB", 0.95),
        (65_536, "64 KiB", 0.95),
    ):
        heading = Heading(f"1-1-{size}", f"1 → 1, {label}", "msg/s", target=target)
        rows.append(PubSubRow(heading, PubSubLoad(size), against_relay=True))
    rows += _fan_out_rows() + _subject_rows(scale)
    rows += [
        PubSubRow(
            Heading("permissions", "publish permissions, 1 → 1, 128 B", "msg/s", target=4.0),
            PubSubLoad(128, ("events.order.created",), ("events.>",)),
            config=PERMISSIONS_CONFIG,
        ),
        PubSubRow(
            Heading("headers", "headers, 1 → 1, 128 B + 47 B header", "msg/s"),
            PubSubLoad(128, header=b"NATS/1.0\r\nTrace-Id: 4bf92f3577b34da6a3ce92\r\n\r\n"),
        ),
    ]
    for requesters in (1, 16, 100):
        rows.append(
            RequestRow(
                Heading(
                    f"request-{requesters}",
                    f"request/reply, 16 B, {requesters} requester{'s' * (requesters > 1)}",
                    "req/s",
                    target=1.1,
                ),
                RequestLoad(requesters),
            )
        )
    return rows + _resource_rows(scale)


def _fan_out_rows() -> list[Row]:
    return [
        PubSubRow(
            Heading("1-8-128", "fan-out 1 → 8, 128 B", "deliveries/s", target=4.0),
            PubSubLoad(128, subscribers=8),
        ),
        PubSubRow(
            Heading("4-4-128", "fan-out 4 → 4, 128 B", "deliveries/s", target=4.0),
            PubSubLoad(128, publishers=4, subscribers=4),
        ),
        PubSubRow(
            Heading("queue-4", "queue group of 4, 128 B", "msg/s"),
            PubSubLoad(128, subscribers=4, queue="workers"),
        ),
    ]


def _subject_rows(scale: float) -> list[Row]:
    """A thousand subjects, and many subscriptions: half end in `*`, half in `>`."""
    subjects = [f"random.{number:04d}" for number in range(1000)]
    count = max(int(100_000 * scale), 10)
    patterns = tuple(f"sensor.{n}.{'*' if n % 2 else '>'}" for n in range(count))
    readings = [f"sensor.{number}.temperature" for number in range(count)]
    return [
        PubSubRow(
            Heading("subjects-1000", "1,000 random subjects, 1 → 1, 128 B", "msg/s", target=4.0),
            PubSubLoad(128, shuffled(subjects, 10_000), tuple(subjects)),
        ),
        PubSubRow(
            Heading(
                "wildcards-100k", "100,000 wildcard subscriptions, random subjects, 128 B", "msg/s"
            ),
            PubSubLoad(128, shuffled(readings, 10_000), patterns),
        ),
    ]


def _resource_rows(scale: float) -> list[Row]:
    def heading(name: str, title: str, unit: str = "MiB", heavy: bool = False) -> Heading:
        return Heading(name, title, unit, more_is_better=False, heavy=heavy)

    accounts = max(int(1000 * scale), 5)
    tenants = "1,000 accounts of 10 users"
    limited = replace(heading("memory-connections", "memory, 10,000 idle connections"), target=1.0)
    million = replace(
        heading("memory-subscriptions", "memory, 1,000,000 subscriptions"), target=1.0
    )
    return [
        MemoryRow(heading("memory-idle", "memory, idle")),
        MemoryRow(replace(limited, heavy=True), connections=max(int(10_000 * scale), 5)),
        MemoryRow(replace(million, heavy=True), subscriptions=max(int(1_000_000 * scale), 5)),
        MemoryRow(heading("memory-accounts", f"memory, {tenants}"), accounts=accounts),
        StartupRow(replace(heading("startup", 'start-up to "Server is ready"', "ms"), limit=250.0)),
        StartupRow(
            replace(heading("startup-accounts", f"start-up with {tenants}", "ms"), limit=500.0),
            accounts=accounts,
        ),
    ]
