"""Flags of `subscribe` as one value, and the rules between them."""

from __future__ import annotations

from dataclasses import dataclass

from pynats_cli.errors import CliError, UsageError

GRAPHS_MAX = 4
"""Graphs that fit into one terminal."""


@dataclass(frozen=True)
class SubscribeOptions:
    """Flags of `subscribe`; times in nanoseconds, 0 for none."""

    subjects: tuple[str, ...] = ()
    queue: str = ""
    durable: str = ""
    raw: bool = False
    translate: str = ""
    ack: bool = False
    match_replies: bool = False
    inbox: bool = False
    count: int = 0
    dump: str = ""
    headers_only: bool = False
    subjects_only: bool = False
    start_sequence: int = 0
    all: bool = False
    new: bool = False
    last: bool = False
    since_ns: int = 0
    last_per_subject: bool = False
    terminate_at_end: bool = False
    stream: str = ""
    ignore: tuple[str, ...] = ()
    wait_ns: int = 0
    report_subjects: bool = False
    report_subscriptions: bool = False
    report_top: int = 10
    timestamp: bool = False
    delta_time: bool = False
    graph: bool = False
    direct: bool = False

    @property
    def from_stream(self) -> bool:
        """True when messages come from a stream rather than a core subscription."""
        return bool(
            self.start_sequence
            or self.durable
            or self.all
            or self.new
            or self.last
            or self.since_ns
            or self.last_per_subject
            or self.stream
            or self.direct
        )

    @property
    def reports(self) -> bool:
        return self.report_subjects or self.report_subscriptions

    @property
    def chatty(self) -> bool:
        """True when lines around the messages are shown."""
        return not self.raw and not self.dump

    @property
    def ignored_text(self) -> str:
        """The end of the first line when subjects are ignored."""
        return f"\nIgnored subjects: {', '.join(self.ignore)}" if self.ignore else ""

    def validate(self) -> None:
        """Raises UsageError where something is missing or makes no sense by itself, CliError for
        flags that contradict each other."""
        if not (self.subjects or self.stream or self.inbox):
            raise UsageError("no subjects or --stream flag provided")
        if min(self.since_ns, self.wait_ns) < 0:
            raise UsageError("durations must not be negative")
        for broken, message in self._rules():
            if broken:
                raise CliError(message)

    def _rules(self) -> list[tuple[bool, str]]:
        policies = (self.start_sequence, self.all, self.new, self.last, self.since_ns)
        return [
            (
                bool(self.subjects and self.durable),
                "cannot specify both subjects and a durable consumer",
            ),
            (
                self.from_stream and len(self.subjects) > 1,
                "streams subscribe support only 1 subject",
            ),
            (
                bool(self.durable and not self.stream),
                "--durable needs the name of its stream, given with --stream",
            ),
            (
                self.terminate_at_end and not self.from_stream,
                "--terminate-at-end is only supported for JetStream subscriptions",
            ),
            (
                self.inbox and self.from_stream,
                "generating inboxes is not compatible with JetStream subscriptions",
            ),
            (
                bool(self.queue) and self.from_stream,
                "queue group subscriptions are not supported with JetStream",
            ),
            (
                self.match_replies and self.from_stream,
                "cannot enable --match-replies for JetStream streams",
            ),
            (
                self.dump == "-" and self.inbox,
                "generating inboxes is not compatible with dumping to stdout using null "
                "terminated strings",
            ),
            (self.reports and self.report_top < 1, "subject count must be at least one"),
            (
                self.timestamp and self.delta_time,
                "timestamp and delta-time flags are mutually exclusive",
            ),
            (
                self.direct and bool(self.durable),
                "cannot use direct get when a durable name is supplied",
            ),
            (
                sum(map(bool, (*policies, self.last_per_subject))) > 1,
                "only one of --start-sequence, --all, --new, --last, --since and "
                "--last-per-subject can be used",
            ),
            (
                self.graph and self.from_stream,
                "--graph is only supported for core NATS subscriptions",
            ),
            (
                self.graph and len(self.subjects) > GRAPHS_MAX,
                f"maximum {GRAPHS_MAX} subject patterns may be graphed",
            ),
        ]
