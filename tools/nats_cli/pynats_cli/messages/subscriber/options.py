"""Flags of `subscribe` as one value, and the rules between them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated

from pynats_common.commandline.declare import arg, opt
from pynats_common.commandline.kinds import DURATION, SUBJECTS, UNSIGNED

from pynats_cli.errors import CliError, UsageError

GRAPHS_MAX = 4
"""Graphs that fit into one terminal."""


_WHICH, _END = "Which messages of a stream", "When to end"
_SHOWN, _FIGURES = "What is shown of messages", "Figures instead of messages"


@dataclass(kw_only=True)
class SubscribeOptions:
    """Flags of `subscribe`; times in nanoseconds, 0 for none."""

    subjects: Annotated[list[str], arg("Subjects to subscribe to")] = field(default_factory=list)
    queue: Annotated[str, opt("--queue", placeholder="NAME", help="Queue group to join")] = ""
    inbox: Annotated[bool, opt("--inbox", "-i", help="Listen on a new inbox")] = False
    ignore_subject: Annotated[
        list[str],
        opt("--ignore-subject", "-I", kind=SUBJECTS, help="Subjects to leave out"),
    ] = field(default_factory=list)
    stream: Annotated[
        str, opt("--stream", placeholder="STREAM", help="Stream to read from", panel=_WHICH)
    ] = ""
    durable: Annotated[
        str, opt("--durable", placeholder="NAME", help="Durable consumer to use", panel=_WHICH)
    ] = ""
    start_sequence: Annotated[
        int,
        opt(
            "--start-sequence",
            kind=UNSIGNED,
            help="First sequence of the stream to show",
            panel=_WHICH,
        ),
    ] = 0
    all: Annotated[bool, opt("--all", help="All messages of the stream", panel=_WHICH)] = False
    new: Annotated[bool, opt("--new", help="Only messages to come", panel=_WHICH)] = False
    last: Annotated[bool, opt("--last", help="From the last message on", panel=_WHICH)] = False
    since: Annotated[
        int, opt("--since", kind=DURATION, help="Messages of the last 1d3h5m2s", panel=_WHICH)
    ] = 0
    last_per_subject: Annotated[
        bool,
        opt("--last-per-subject", help="The last message of each subject", panel=_WHICH),
    ] = False
    direct: Annotated[
        bool, opt("--direct", help="Read the stream by direct gets", panel=_WHICH)
    ] = False
    ack: Annotated[
        bool, opt("--ack/--no-ack", help="Acknowledge JetStream messages", panel=_WHICH)
    ] = False
    count: Annotated[
        int, opt("--count", kind=UNSIGNED, help="Quit after this many messages", panel=_END)
    ] = 0
    wait: Annotated[
        int, opt("--wait", kind=DURATION, help="Quit after this time of silence", panel=_END)
    ] = 0
    terminate_at_end: Annotated[
        bool, opt("--terminate-at-end", "-T", help="Quit at the end of the stream", panel=_END)
    ] = False
    raw: Annotated[bool, opt("--raw", "-r", help="Show bodies only", panel=_SHOWN)] = False
    exact: Annotated[
        bool,
        opt("--exact", help="Show bodies only, byte by byte: no newline is added", panel=_SHOWN),
    ] = False
    translate: Annotated[
        str,
        opt(
            "--translate",
            placeholder="COMMAND",
            help="Show bodies through this command",
            panel=_SHOWN,
        ),
    ] = ""
    headers_only: Annotated[bool, opt("--headers-only", help="Show no bodies", panel=_SHOWN)] = (
        False
    )
    subjects_only: Annotated[
        bool, opt("--subjects-only", help="Show subjects only", panel=_SHOWN)
    ] = False
    match_replies: Annotated[
        bool, opt("--match-replies", help="Show replies with their requests", panel=_SHOWN)
    ] = False
    timestamp: Annotated[bool, opt("--timestamp", "-t", help="Show times", panel=_SHOWN)] = False
    delta_time: Annotated[
        bool, opt("--delta-time", "-d", help="Show time since the start", panel=_SHOWN)
    ] = False
    dump: Annotated[
        str,
        opt(
            "--dump",
            placeholder="DIRECTORY",
            help="A file for each message, - for stdout with NULs",
            panel=_SHOWN,
        ),
    ] = ""
    report_subjects: Annotated[
        bool, opt("--report-subjects", help="Table of the busiest subjects", panel=_FIGURES)
    ] = False
    report_subscriptions: Annotated[
        bool,
        opt("--report-subscriptions", help="Table of the subscriptions' traffic", panel=_FIGURES),
    ] = False
    report_top: Annotated[int, opt("--report-top", help="Rows of the table", panel=_FIGURES)] = 10
    graph: Annotated[bool, opt("--graph", help="Graph the message rate", panel=_FIGURES)] = False

    @property
    def from_stream(self) -> bool:
        """True when messages come from a stream rather than a core subscription."""
        return bool(
            self.start_sequence
            or self.durable
            or self.all
            or self.new
            or self.last
            or self.since
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
        return (
            f"\nIgnored subjects: {', '.join(self.ignore_subject)}" if self.ignore_subject else ""
        )

    def validate(self) -> None:
        """Raises UsageError where something is missing or makes no sense by itself, CliError for
        flags that contradict each other."""
        self.raw = self.raw or self.exact
        if not (self.subjects or self.stream or self.inbox):
            raise UsageError("no subjects or --stream flag provided")
        if min(self.since, self.wait) < 0:
            raise UsageError("durations must not be negative")
        for broken, message in self._rules():
            if broken:
                raise CliError(message)
        self._choose_position()

    def _choose_position(self) -> None:
        """Keeps one of the flags that say where to begin: the first of this order counts, as in
        `nats`."""
        order = ("start_sequence", "last", "all", "new", "since", "last_per_subject")
        given = [name for name in order if getattr(self, name)]
        for name in given[1:]:
            setattr(self, name, 0 if name == "since" else False)

    def _rules(self) -> list[tuple[bool, str]]:
        """Whether a rule is broken, and what is said then; the first that is broken counts."""
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
                self.graph and self.from_stream,
                "--graph is only supported for core NATS subscriptions",
            ),
            (
                self.graph and len(self.subjects) > GRAPHS_MAX,
                f"maximum {GRAPHS_MAX} subject patterns may be graphed",
            ),
        ]
