"""The JetStream rows: acknowledged publishes, recovery of a large stream, memory of a stream."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pynats_bench.contender import Contender, Running
from pynats_bench.model import LoadError
from pynats_bench.rows import SETTLE_S, Heading, Row, Sample, Setting, explained, measure
from pynats_bench.streams.disk import group_commit_rates
from pynats_bench.streams.publishing import JetStreamLoad, JetStreamSession, stored_messages

SECTION = "JetStream"
ASYNC_WINDOW = 1000
BATCHES = (100, 1000)
SUBJECTS_MANY = 100_000
MEMORY_COUNT = 1_000_000
MEMORY_PAYLOAD_BYTES = 128
DISK_SHARE = 0.5  # share of a sample's time for measuring the raw disk before it
RECOVERY_TIMEOUT_S = 600.0
FILL_SYNC = "2m"


@dataclass(frozen=True, slots=True)
class Recovery:
    """The stream of the recovery rows."""

    messages: int = 1_000_000
    payload_bytes: int = 128


def configuration(folder: Path, sync: str) -> str:
    """A server configuration with its store in `folder`; `sync` "" is the server's own default."""
    interval = f"\n  sync_interval: {sync}" if sync else ""
    return f'jetstream {{\n  store_dir: "{folder}"{interval}\n}}\n'


@contextmanager
def _store(setting: Setting, sync: str) -> Iterator[tuple[Path, Path]]:
    """(folder, configuration file) for one sample; both are removed afterwards."""
    with tempfile.TemporaryDirectory(prefix="bench-", dir=setting.store_folder) as name:
        folder = Path(name)
        config = folder / "server.conf"
        config.write_text(configuration(folder / "store", sync))
        yield folder, config


@dataclass(frozen=True, slots=True)
class PublishRow:
    """Messages acknowledged a second. `sync` is the servers' `sync_interval`, "" their default."""

    heading: Heading
    load: JetStreamLoad
    sync: str = ""
    against_relay: bool = False

    def sample(self, contender: Contender, setting: Setting) -> Sample:
        with _store(setting, self.sync) as (folder, config):
            disk: tuple[float, ...] = ()
            if self.load.storage == "file":
                disk = group_commit_rates(
                    folder, self.load.payload_bytes, setting.seconds * DISK_SHARE
                )
            with setting.start(contender, config) as server:
                try:
                    with JetStreamSession(
                        server.endpoint, self.load, cores=setting.cores_load
                    ) as session:
                        sample = measure(
                            session, self.heading.name, server, contender.name, setting
                        )
                except LoadError as error:
                    raise explained(server, error) from None
            sample.disk = disk
            return sample


def _fill(server: Running, load: JetStreamLoad, messages: int, setting: Setting) -> int:
    """Stores `messages` messages; returns the growth of the server's resident memory in bytes."""
    with JetStreamSession(server.endpoint, load, cores=setting.cores_load) as session:
        session.run(1)
        before = server.resident_bytes()
        session.run(messages)
        time.sleep(SETTLE_S if setting.seconds >= 0.1 else 0.0)
        return server.resident_bytes() - before


@dataclass(frozen=True, slots=True)
class StreamMemoryRow:
    """Memory growth in MiB while the server stores `messages` messages."""

    heading: Heading
    load: JetStreamLoad
    messages: int
    against_relay: bool = False

    def sample(self, contender: Contender, setting: Setting) -> Sample:
        with (
            _store(setting, FILL_SYNC) as (_, config),
            setting.start(contender, config) as server,
        ):
            try:
                grown = _fill(server, self.load, self.messages, setting)
            except LoadError as error:
                raise explained(server, error) from None
            return Sample(max(grown, 0) / 2**20)


@dataclass(frozen=True, slots=True)
class RecoveryRow:
    """Seconds from process start until the stream reports every message.

    `killed`: SIGKILL, not SIGTERM, ended the server that filled the stream.
    """

    heading: Heading
    recovery: Recovery
    killed: bool = False
    against_relay: bool = False

    def sample(self, contender: Contender, setting: Setting) -> Sample:
        wanted = self.recovery.messages
        load = JetStreamLoad(self.recovery.payload_bytes, window=ASYNC_WINDOW)
        with _store(setting, FILL_SYNC) as (_, config):
            with setting.start(contender, config) as server:
                try:
                    _fill(server, load, wanted, setting)
                except LoadError as error:
                    raise explained(server, error) from None
                if self.killed:
                    server.kill()
            started = time.monotonic()
            with Running(
                contender,
                config=config,
                cores=setting.cores_server,
                ready_timeout_s=RECOVERY_TIMEOUT_S,
            ) as server:
                found = stored_messages(server.endpoint)
                took = time.monotonic() - started
            if found != wanted:
                raise LoadError(f"{found:,} of {wanted:,} messages were recovered")
            return Sample(took, note=f"ready after {server.startup_seconds:.2f} s")


def jetstream_rows(scale: float = 1.0, recovery: Recovery | None = None) -> list[Row]:
    """Every JetStream row, in table order. `scale` shrinks counts for tests."""
    rows: list[Row] = []
    for storage, sync, label in (
        ("file", "always", "file, fsync before ack"),
        ("file", "2m", "file, sync_interval 2m"),
        ("file", "", "file, each server's default"),
        ("memory", "", "memory"),
    ):
        for size, size_label in ((128, "128 B"), (4096, "4 KiB")):
            for subjects in (1, SUBJECTS_MANY):
                rows += _publish_rows(storage, sync, label, size, size_label, subjects, scale)
    return rows + _stream_rows(scale, recovery or Recovery())


def _publish_rows(
    storage: str, sync: str, label: str, size: int, size_label: str, subjects: int, scale: float
) -> list[Row]:
    """Rows of every way to publish, for one storage, size and number of subjects."""
    kind = storage if storage == "memory" else f"file-{sync or 'default'}"
    count = max(int(subjects * scale), 10) if subjects > 1 else 1
    many = f", {subjects:,} subjects" if subjects > 1 else ""
    ways = [("sync", "sync", 1, 1), ("async", f"async, window {ASYNC_WINDOW:,}", ASYNC_WINDOW, 1)]
    ways += [(f"batch{n}", f"atomic batches of {n:,}", 1, n) for n in BATCHES]
    return [
        PublishRow(
            Heading(
                f"jetstream-{kind}-{way}-{size}" + ("-subjects" if subjects > 1 else ""),
                f"{title}, {size_label}{many}; {label}",
                "msg/s",
                heavy=subjects > 1,
                section=SECTION,
            ),
            JetStreamLoad(size, window, batch, count, storage),
            sync,
        )
        for way, title, window, batch in ways
    ]


def _stream_rows(scale: float, recovery: Recovery) -> list[Row]:
    """Memory and recovery."""

    def heading(name: str, title: str, unit: str) -> Heading:
        return Heading(
            f"jetstream-{name}", title, unit, more_is_better=False, heavy=True, section=SECTION
        )

    count = max(int(MEMORY_COUNT * scale), 10)
    what = f"{recovery.messages:,} messages of {recovery.payload_bytes:,} B"
    one = JetStreamLoad(MEMORY_PAYLOAD_BYTES, window=ASYNC_WINDOW)
    each = JetStreamLoad(MEMORY_PAYLOAD_BYTES, window=ASYNC_WINDOW, subjects=max(count, 2))
    held = JetStreamLoad(MEMORY_PAYLOAD_BYTES, window=ASYNC_WINDOW, storage="memory")
    return [
        StreamMemoryRow(
            heading("ram-messages", f"memory growth, {count:,} messages, file", "MiB"), one, count
        ),
        StreamMemoryRow(
            heading("ram-subjects", f"memory growth, {count:,} subjects, file", "MiB"), each, count
        ),
        StreamMemoryRow(
            heading("ram-held", f"memory growth, {count:,} messages of 128 B, memory", "MiB"),
            held,
            count,
        ),
        RecoveryRow(heading("recovery", f"recovery after a clean stop, {what}", "s"), recovery),
        RecoveryRow(
            heading("recovery-killed", f"recovery after kill -9, {what}", "s"),
            recovery,
            killed=True,
        ),
    ]
