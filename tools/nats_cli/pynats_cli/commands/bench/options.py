"""Flags that benchmarks share; times are in nanoseconds, sizes in bytes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated

from pynats_common.commandline.declare import arg, opt
from pynats_common.commandline.kinds import EXISTING_FILE, SUBJECTS, UNSIGNED, Choice
from pynats_common.go.durations import MINUTE_NS, SECOND_NS

from pynats_cli.commands.bench.plots.flag import Plotted
from pynats_cli.commands.bench.values import (
    BATCH,
    BUCKET,
    CLIENTS,
    MESSAGE_SIZE,
    MESSAGES,
    MESSAGES_MAX,
    STORE_SIZE,
    STREAM,
    STREAM_NAME,
    TIME,
)
from pynats_cli.errors import CliError
from pynats_cli.flags import Header, Shown

_GB = 1024**3


@dataclass(kw_only=True)
class BenchOptions(Plotted, Shown):
    """Flags of every benchmark."""

    clients: Annotated[
        int, opt("--clients", "--client", help="Clients, each with its own connection",
                 kind=CLIENTS)
    ] = 1  # fmt: skip
    msgs: Annotated[
        int, opt("--msgs", help="How many messages: 5000, 500k, 10M", kind=MESSAGES)
    ] = 100_000
    progress: Annotated[bool, opt("--progress/--no-progress", help="Show how far it is")] = True
    csv: Annotated[
        str, opt("--csv", placeholder="FILE", help="Write the figures of each client to a file")
    ] = ""
    size: Annotated[int, opt("--size", help="Size of a message: 16, 4KB", kind=MESSAGE_SIZE)] = 128

    def messages(self) -> int:
        """How many are wanted. Raises CliError."""
        return self.msgs


@dataclass(kw_only=True)
class Subject:
    """Where to."""

    subject: Annotated[str, arg("Subject to use")]


@dataclass(kw_only=True)
class Slept:
    """Work between the operations of a client."""

    sleep: Annotated[int, opt("--sleep", kind=TIME, help="Pause between the operations")] = 0


@dataclass(kw_only=True)
class Paced(BenchOptions):
    """A rate instead of as fast as can be."""

    throughput: Annotated[
        int, opt("--throughput", kind=UNSIGNED, help="Messages a second, of all clients together")
    ] = 0
    duration: Annotated[
        int, opt("--duration", kind=TIME, help="Run this long; needs --throughput")
    ] = 0

    def messages(self) -> int:
        if not self.duration:
            return self.msgs
        if not self.throughput:
            raise CliError("--duration requires --throughput to be set")
        messages = self.throughput * self.duration // SECOND_NS
        if not messages:
            raise CliError("--duration is too short for a message at this --throughput")
        if messages > MESSAGES_MAX:
            raise CliError(
                f"--duration at this --throughput is more than {MESSAGES_MAX:,} messages"
            )
        return messages


@dataclass(kw_only=True)
class ManySubjects:
    """One subject for each message."""

    multisubject: Annotated[
        bool, opt("--multisubject", help="Number the subjects: SUBJECT.0001, SUBJECT.0002")
    ] = False
    multisubjectmax: Annotated[
        int, opt("--multisubjectmax", kind=UNSIGNED, help="How many subjects; 0 = no limit")
    ] = 100_000
    multisubjectrandomize: Annotated[
        bool, opt("--multisubjectrandomize", help="Take the subjects in random order")
    ] = False


@dataclass(kw_only=True)
class Content:
    """What the messages hold."""

    payload: Annotated[
        str, opt("--payload", kind=EXISTING_FILE, help="Send what this file holds")
    ] = ""
    header: Header = field(default_factory=list)


@dataclass(kw_only=True)
class ServiceOptions(Slept, BenchOptions):
    """Flags of `bench service`."""


@dataclass(kw_only=True)
class StreamOptions(Slept, BenchOptions):
    """Flags of `bench js`."""

    stream: Annotated[str, opt("--stream", help="Stream to use", kind=STREAM_NAME)] = STREAM


@dataclass(kw_only=True)
class BucketOptions(Slept, BenchOptions):
    """Flags of `bench kv`."""

    bucket: Annotated[str, opt("--bucket", help="Bucket to use")] = BUCKET


@dataclass(kw_only=True)
class Stored:
    """Where what is published is stored."""

    storage: Annotated[
        str, opt("--storage", help="Where it is stored", kind=Choice("memory", "file"))
    ] = "file"
    replicas: Annotated[int, opt("--replicas", kind=UNSIGNED, help="Replicas of the data")] = 1
    maxbytes: Annotated[
        int, opt("--maxbytes", kind=STORE_SIZE, help="Most that is stored: 500MB, 2GB")
    ] = _GB


@dataclass(kw_only=True)
class Purged:
    """Begin with nothing stored."""

    purge: Annotated[bool, opt("--purge", help="Remove what is stored, first")] = False


@dataclass(kw_only=True)
class StoreOptions(Subject, ManySubjects, Content, Stored, Purged, Paced, StreamOptions):
    """Flags of every `bench js pub`."""

    create: Annotated[bool, opt("--create", help="Create the stream first")] = False
    dedup: Annotated[
        bool, opt("--dedup", help="Give messages an id by which duplicates are found")
    ] = False
    dedupwindow: Annotated[
        int, opt("--dedupwindow", kind=TIME, help="How long the stream knows ids")
    ] = 2 * MINUTE_NS
    persistasync: Annotated[
        bool, opt("--persistasync", help="Create a stream that acknowledges before it writes")
    ] = False


@dataclass(kw_only=True)
class Batched:
    """Messages at once."""

    batch: Annotated[int, opt("--batch", kind=BATCH, help="Messages of a batch")] = 500


@dataclass(kw_only=True)
class Filtered:
    """A part of the stream."""

    filter: Annotated[
        list[str], opt("--filter", kind=SUBJECTS, help="Only these subjects; may be repeated")
    ] = field(default_factory=list)
