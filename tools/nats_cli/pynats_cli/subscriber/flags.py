"""The flags of `subscribe`: spelling, bounds and help; the command sets their defaults."""

from __future__ import annotations

from typing import Annotated, Optional, TypeAlias

import typer

from pynats_cli.flags import duration_option

_U64_MAX = 2**64 - 1

# What to subscribe to.
Subjects: TypeAlias = Annotated[
    Optional[list[str]],  # noqa: UP045
    typer.Argument(help="Subjects to subscribe to."),
]
Queue = Annotated[str, typer.Option(metavar="NAME", help="Queue group to join.")]
Inbox = Annotated[bool, typer.Option("--inbox", "-i", help="Listen on a new inbox.")]
IgnoreSubject = Annotated[
    list[str],
    typer.Option("--ignore-subject", "-I", metavar="SUBJECT", help="Subjects to leave out."),
]

# Which messages of a stream.
Stream = Annotated[str, typer.Option(metavar="STREAM", help="Stream to read from.")]
Durable = Annotated[str, typer.Option(metavar="NAME", help="Durable consumer to use.")]
StartSequence = Annotated[
    int, typer.Option(min=0, max=_U64_MAX, help="First sequence of the stream to show.")
]
All = Annotated[bool, typer.Option("--all", help="All messages of the stream.")]
New = Annotated[bool, typer.Option("--new", help="Only messages to come.")]
Last = Annotated[bool, typer.Option("--last", help="From the last message on.")]
Since = Annotated[int, duration_option("--since", help="Messages of the last 1d3h5m2s.")]
LastPerSubject = Annotated[
    bool, typer.Option("--last-per-subject", help="The last message of each subject.")
]
Direct = Annotated[bool, typer.Option("--direct", help="Read the stream by direct gets.")]
Ack = Annotated[bool, typer.Option(help="Acknowledge JetStream messages.")]

# When to end.
Count = Annotated[int, typer.Option(min=0, help="Quit after this many messages.")]
Wait = Annotated[int, duration_option("--wait", help="Quit after this time of silence.")]
TerminateAtEnd = Annotated[
    bool, typer.Option("--terminate-at-end", "-T", help="Quit at the end of the stream.")
]

# What is shown of messages.
Raw = Annotated[bool, typer.Option("--raw", "-r", help="Show bodies only.")]
HeadersOnly = Annotated[bool, typer.Option("--headers-only", help="Show no bodies.")]
SubjectsOnly = Annotated[bool, typer.Option("--subjects-only", help="Show subjects only.")]
MatchReplies = Annotated[
    bool, typer.Option("--match-replies", help="Show replies with their requests.")
]
Timestamp = Annotated[bool, typer.Option("--timestamp", "-t", help="Show times.")]
DeltaTime = Annotated[bool, typer.Option("--delta-time", "-d", help="Show time since the start.")]
Dump = Annotated[
    str, typer.Option(metavar="DIRECTORY", help="A file for each message, - for stdout with NULs.")
]

# Figures instead of messages.
ReportSubjects = Annotated[
    bool, typer.Option("--report-subjects", help="Table of the busiest subjects.")
]
ReportSubscriptions = Annotated[
    bool, typer.Option("--report-subscriptions", help="Table of the subscriptions' traffic.")
]
ReportTop = Annotated[int, typer.Option(help="Rows of the table.")]
Graph = Annotated[bool, typer.Option("--graph", help="Graph the message rate.")]
