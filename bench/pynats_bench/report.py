"""The comparison's outcome as a Rich table and as Markdown, from one list of cells."""

from __future__ import annotations

import platform
import statistics
import sys
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

from rich.table import Table

from pynats_bench.consumers.rows import SECTION as CONSUMERS_SECTION
from pynats_bench.judging import ratios
from pynats_bench.judging.disturbance import disturbance, is_disturbed
from pynats_bench.rows import Heading, Sample
from pynats_bench.streams.disk import WINDOWS
from pynats_bench.streams.rows import SECTION as STREAMS_SECTION
from pynats_bench.tls.rows import SECTION as TLS_SECTION

OURS, REFERENCE, RELAY = "pynats-server", "nats-server", "relay"
COLUMNS = (
    "Measured",
    "Unit",
    OURS,
    REFERENCE,
    "Ratio",
    "Aim",
    "Spread",
    "CPU µs/msg",
    "Load CPU µs/msg",
)
JETSTREAM_COLUMNS = (*COLUMNS, f"Raw disk, {' / '.join(map(str, WINDOWS))} per fdatasync")
CEILING_COLUMNS = (
    "Payload",
    "Relay msg/s",
    "Relay payload GB/s",
    f"{OURS} of it",
    f"{REFERENCE} of it",
)


@dataclass(slots=True)
class Outcome:
    """All samples of one row; `errors` holds the last failure of a contender."""

    heading: Heading
    payload_bytes: int = 0
    samples: dict[str, list[Sample]] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)

    def values(self, who: str) -> list[float]:
        return [sample.value for sample in self.samples.get(who, ())]

    def median(self, who: str) -> float | None:
        return ratios.median(self.values(who))

    def spread(self, who: str) -> float | None:
        """(largest - smallest) / median, or None with fewer than two samples."""
        return ratios.spread(self.values(who))

    def ratio(self) -> float | None:
        """The ratio of ours to the reference."""
        return ratios.ratio_of(self.median(OURS), self.median(REFERENCE))

    def shares(self) -> list[float | None]:
        """What others used of the machine during each sample."""
        return [sample.foreign for samples in self.samples.values() for sample in samples]

    def disturbed(self) -> bool:
        """Whether other work on the machine used a noticeable part of it during any sample."""
        return any(is_disturbed(share) for share in self.shares())

    def met(self) -> bool | None:
        """Whether the target is reached; None without a target or figures, or if the samples were
        disturbed, because those prove nothing."""
        value, aim = self.ratio(), self.heading.target
        if self.heading.limit is not None:
            value, aim = self.median(OURS), self.heading.limit
        if value is None or aim is None or self.disturbed():
            return None
        return value >= aim if self.heading.more_is_better else value <= aim


def number(value: float) -> str:
    """Three significant digits with the usual large units."""
    for size, unit in ((1e6, " M"), (1e4, " k")):
        if value >= size:
            scaled = value / (1e6 if size == 1e6 else 1e3)
            return f"{scaled:.{0 if scaled >= 100 else 1 if scaled >= 10 else 2}f}{unit}"
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.{1 if value >= 10 else 2}f}"


def _value(outcome: Outcome, who: str) -> str:
    median = outcome.median(who)
    if median is not None:
        return number(median)
    return "failed" if who in outcome.errors else "–"


def _pair(outcome: Outcome, pick: str) -> str:
    """`ours / reference` of one per-sample figure."""
    cells = []
    for who in (OURS, REFERENCE):
        values = [getattr(sample, pick) for sample in outcome.samples.get(who, ())]
        known = [value for value in values if value is not None]
        cells.append(f"{statistics.median(known):.2g}" if known else "–")
    return "" if cells == ["–", "–"] else " / ".join(cells)


def row_cells(outcome: Outcome) -> tuple[str, ...]:
    """One line of the main table, in the order of COLUMNS."""
    heading, ratio = outcome.heading, outcome.ratio()
    aim = ""
    wanted = heading.target if heading.limit is None else heading.limit
    if wanted is not None:
        verdict = {True: " ✓", False: " ✗", None: " ?" if outcome.disturbed() else ""}
        unit = "" if heading.limit is None else f" {heading.unit}"
        aim = f"{'≥' if heading.more_is_better else '≤'} {wanted:g}{unit}{verdict[outcome.met()]}"
    spreads = [outcome.spread(who) for who in (OURS, REFERENCE)]
    return (
        heading.title,
        heading.unit,
        _value(outcome, OURS),
        _value(outcome, REFERENCE),
        f"{ratio:.2f}" if ratio is not None else "–",
        aim,
        " / ".join("–" if spread is None else f"{spread:.0%}" for spread in spreads),
        _pair(outcome, "cpu_us"),
        _pair(outcome, "generator_cpu_us"),
    )


def jetstream_cells(outcome: Outcome) -> tuple[str, ...]:
    """One line of the JetStream table, in the order of JETSTREAM_COLUMNS."""
    measured = [
        sample.disk for samples in outcome.samples.values() for sample in samples if sample.disk
    ]
    rates = [number(statistics.median(column)) for column in zip(*measured, strict=True)]
    return (*row_cells(outcome), " / ".join(rates))


def of_section(outcomes: list[Outcome], section: str) -> list[Outcome]:
    """The outcomes of one table; "" is the main one."""
    return [outcome for outcome in outcomes if outcome.heading.section == section]


def ceiling_cells(outcome: Outcome) -> tuple[str, ...] | None:
    """One line of the ceiling table, or None when the relay was not measured on this row."""
    relay = outcome.median(RELAY)
    if relay is None:
        return None
    shares = []
    for who in (OURS, REFERENCE):
        median = outcome.median(who)
        shares.append(f"{median / relay:.0%}" if median is not None else "–")
    gigabytes = relay * outcome.payload_bytes / 1e9
    return (f"{outcome.payload_bytes:,} B", number(relay), f"{gigabytes:.2f}", *shares)


def notes(outcomes: list[Outcome]) -> list[str]:
    """Disturbed samples, failures, and the latency of request rows."""
    lines = []
    shares = [share for outcome in outcomes for share in outcome.shares()]
    if said := disturbance(shares, "timed samples"):
        lines.append(
            f"{said}. Rates and ratios "
            "of those rows prove nothing (their aims are marked ?); measure on a quiet machine."
        )
    for outcome in outcomes:
        for who, error in outcome.errors.items():
            lines.append(f"{outcome.heading.title}: {who} failed: {error}")
        for who in (OURS, REFERENCE):
            last = [sample.note for sample in outcome.samples.get(who, ()) if sample.note]
            if last:
                lines.append(f"{outcome.heading.title}: {who} {last[len(last) // 2]}")
    return lines


def machine_facts() -> list[tuple[str, str]]:
    """Notes that help to judge the numbers."""
    model = "unknown"
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        names = [line for line in cpuinfo.read_text().splitlines() if line.startswith("model name")]
        model = f"{len(names)} x {names[0].partition(':')[2].strip()}" if names else model
    versions = ", ".join(f"{name} {_version(name)}" for name in ("Cython", "uvloop"))
    return [
        ("Processor", model),
        ("Kernel", f"{platform.system()} {platform.release()}"),
        ("Python", f"{sys.version.split()[0]} ({versions})"),
        ("Date", datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")),
    ]


def _version(distribution: str) -> str:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return "not installed"


def rich_tables(outcomes: list[Outcome]) -> list[Table]:
    """The tables that have rows."""
    core = of_section(outcomes, "")
    secure = of_section(outcomes, TLS_SECTION)
    streams = of_section(outcomes, STREAMS_SECTION)
    consumers = of_section(outcomes, CONSUMERS_SECTION)
    ceilings = [cells for outcome in outcomes if (cells := ceiling_cells(outcome))]
    tables = []
    for title, columns, rows in (
        ("Side by side", COLUMNS, [row_cells(outcome) for outcome in core]),
        ("TLS and log-ins", COLUMNS, [row_cells(outcome) for outcome in secure]),
        ("JetStream", JETSTREAM_COLUMNS, [jetstream_cells(outcome) for outcome in streams]),
        ("Consumers", COLUMNS, [row_cells(outcome) for outcome in consumers]),
        ("The ceiling of one thread", CEILING_COLUMNS, ceilings),
    ):
        if rows:
            tables.append(Table(*columns, title=title))
            for cells in rows:
                tables[-1].add_row(*cells)
    return tables


def markdown(outcomes: list[Outcome], command: str, facts: list[tuple[str, str]]) -> str:
    """The whole page. `command` is the command line that made it."""
    ceilings = [cells for outcome in outcomes if (cells := ceiling_cells(outcome))]
    parts = [INTRODUCTION, shown_command(command)]
    parts.append("\n".join(f"- {name}: {value}" for name, value in facts) + "\n")
    if core := of_section(outcomes, ""):
        parts.append(_markdown_table(COLUMNS, [row_cells(outcome) for outcome in core]))
    if ceilings:
        parts += [CEILING, _markdown_table(CEILING_COLUMNS, ceilings)]
    if secure := of_section(outcomes, TLS_SECTION):
        parts += [TLS, _markdown_table(COLUMNS, [row_cells(outcome) for outcome in secure])]
    if streams := of_section(outcomes, STREAMS_SECTION):
        rows = [jetstream_cells(outcome) for outcome in streams]
        parts += [JETSTREAM, _markdown_table(JETSTREAM_COLUMNS, rows)]
    if consumers := of_section(outcomes, CONSUMERS_SECTION):
        parts += [CONSUMERS, _markdown_table(COLUMNS, [row_cells(item) for item in consumers])]
    parts.append(READING)
    if lines := notes(outcomes):
        parts.append("## Notes\n\n" + "\n".join(f"- {line}" for line in lines) + "\n")
    return "\n".join(parts)


def _markdown_table(columns: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [columns, tuple("---" if at == 0 else "---:" for at in range(len(columns))), *rows]
    return "".join("| " + " | ".join(cells).replace("\n", " ") + " |\n" for cells in lines)


def shown_command(command: str) -> str:
    """As a block of a page, with what tells the tests of pages that it takes too long for them."""
    return f"% not run: it measures for minutes\n\n```sh\n{command}\n```\n"


INTRODUCTION = """\
# Performance

Both servers on the same machine, one after the other, A B A B, each sample on a fresh process.
Figures are medians; *spread* is (largest - smallest) / median; pairs are ours / theirs. *CPU* is
the server process's user and system time per message, *load CPU* the load generator's. Every run
checks that every message arrived. Throughput runs from the first publish to the last delivery (to
the last PONG where nobody listens). This page is written by the command:
"""

READING = """\
## Do it yourself

Figures of somebody else's machine say little about yours. In a checkout, with nothing else running:

% not run: it measures for minutes

```sh
make bench ARGS="--rounds 3"                     # all rows, side by side with nats-server
make bench ARGS="--only '1-1-*' 'jetstream-*'"   # some rows
make pauses                                      # what one tenant waits for another
```

Against a server of yours, with messages like yours, use `pynats bench`: the
[guide](../guides/benchmarking.md) says how to compare two servers with it.

How a row is measured: both servers start from nothing, in turns, so that a change of the machine
meets both. The load generator is compiled, and seldom the bottleneck; *load CPU* shows when it is.
A sample during which other processes used the machine is marked, and proves nothing. Every message
must arrive: a row with a lost one has no figure.

## What not to conclude

- **Not that your application becomes faster.** It sends thousands of messages a second rather than
  millions, and waits for its own work. What it then notices is latency (request/reply) and the
  processor time that the broker leaves to others (*CPU*).
- **Not that more cores help.** One server uses one core for messages. On a machine with many cores
  and many busy connections nats-server, which uses all, may pass what was measured here on two.
- **Not that a network changes nothing.** All of this is over loopback. Over 10 Gbit/s, messages of
  1 KiB and more are limited by the wire with either server.
- **Not from small differences.** Two rounds of a second each, on a virtual machine: below a factor
  of 1.2, and where *spread* is large, assume that both are the same.
- **Not that the defaults are equal.** Where a row says *each server's default*, one promises that
  the message is on the disk and the other does not: see [durability](durability.md).
- **Not for clusters**, which pynats-server does not have yet.
"""

CEILING = """\
## The ceiling of one thread

A relay that reads bytes from one socket and writes them to another, on one thread, without looking
at them, moved by the same generator with the same frames. No single-threaded broker can do more.
"""

TLS = """\
## TLS and log-ins

TLS 1.3 with AES-128-GCM and X25519, an ECDSA P-256 certificate. The generator seals up to four
records of 16 KiB at a time, as client libraries flush. Its own share of the work is as large as the
server's: where rates are close, compare *CPU*.

- *engine* is what pynats-server uses for TLS, named by `PYNATS_TLS_ENGINE`.
- *log-ins* are connections from the first packet to the answer to the first PING, several at a time
  from two processes: full handshakes without resumption, a signed user JWT (operator mode, memory
  resolver), an NKey. Every connection stays open until the last has come; CPU is per log-in.
- *ping while 500 connect*: a client without TLS sends a PING every two milliseconds while 500
  clients with TLS, of lower priority, connect at once to a server with `allow_non_tls`. The notes
  have the median, the longest, and the same before anybody connects, which is what the machine
  itself does to a PING.
- *memory* is what 5,000 idle connections with TLS added, per connection.
"""

JETSTREAM = """\
## JetStream

One publisher, one stream, one replica, on a fresh server with a fresh store. A publish counts when
its acknowledgement has arrived; an acknowledgement that is an error, is missing, comes twice or
has a sequence other than its publish's place in the order ends the row, and the stream's own
counts must agree afterwards. The stream is purged before every run.

- *sync* waits for each acknowledgement before the next publish; *async, window 1,000* has up to
  1,000 publishes without acknowledgement; *atomic batches* send a batch of 100 or 1,000 messages
  (`Nats-Batch-Id`, `-Sequence`, `-Commit`) and wait for the one acknowledgement of the commit.
- *fsync before ack* is `sync_interval: always` on both servers; *sync_interval 2m* lets both
  acknowledge before the disk has the message; *each server's default* sets nothing: pynats-server
  then acknowledges after fsync, nats-server before it, so the two give different promises.
- *100,000 subjects*: the messages go through that many subjects in turn.
- *Raw disk* is what the same disk did without a server just before each sample: records a second,
  as large as the stored messages, when 1, 64 or 256 of them are appended by one write and made
  durable by one fdatasync. A server that fsyncs before it acknowledges cannot beat the figure for
  as many messages as it puts into one fdatasync (sync: 1).
- *memory growth* is the growth of the server's resident memory while it stores the messages
  through `sync_interval: 2m`, one subject or one subject a message.
- *recovery* is the time from starting the process on an existing store until the stream reports
  every message, after SIGTERM and after SIGKILL; the files are in the page cache.
"""

CONSUMERS = """\
## Consumers

One stream, file storage, one replica, every consumer new, both servers with their defaults. Every
delivery has to be one of the messages that were to come, once, and in order for each client; where
there are acknowledgements, time runs until the server has them all, and the consumer's own state
must say so afterwards.

- *fetch* asks for 500 messages when the last 500 have come; *consume* asks for 250 more whenever
  250 have come, so that 500 are asked for, as client libraries do. *ordered* consumers keep their
  state in memory and need no acknowledgement.
- *push* counts from the first delivery, everything else from the first request.
- *KV* is a bucket on the wire: a put is an acknowledged publish to the key's subject, a get a
  direct get by subject, a watch a pushed ordered consumer of every key's last value with flow
  control.
- *object* is an object store on the wire: chunks of 128 KiB with up to 64 unacknowledged, and a
  pushed ordered consumer with flow control that reads them. CPU is per MiB.
- *8 publish and 8 consume* have up to 100 publishes each without acknowledgement, and one consumer.
- *publish to delivery*: at a tenth of the rate at which the same server takes and delivers all it
  can with one publisher and one client; the notes have the other quantiles and the rate. A
  pynats-server delivers what is durable, so its figure has an fsync in it.
- *idle CPU* is what the process uses while nobody asks for anything, five seconds after very many
  durable pull consumers were created; *memory growth* is what they added.
"""
