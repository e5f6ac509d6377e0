"""`pynats stream query`: search what a stream holds."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass, field
from typing import Annotated, Any

from pynats_common.commandline.declare import arg, opt
from pynats_common.commandline.kinds import SUBJECTS, UNSIGNED, Choice, Kind

from pynats_cli.connect.session import Session
from pynats_cli.errors import UsageError
from pynats_cli.jetstream.query.conditions import Conditions, Projection
from pynats_cli.jetstream.query.records import Record
from pynats_cli.jetstream.query.results import FORMS, Results
from pynats_cli.jetstream.query.scan import Scanner, Window, scan_backwards
from pynats_cli.screen import progress
from pynats_cli.screen.human import thousands
from pynats_cli.screen.output import line, note


def _moment(text: str) -> int:
    """Nanoseconds since 1970 of a time, or of a duration before now."""
    from pynats_common.go.durations import parse_long_duration_ns
    from pynats_common.go.times import parse_instant_ns

    if text[:4].isdecimal() and "-" in text[:5]:
        day_only = len(text) == len("2006-01-02")
        return parse_instant_ns(f"{text}T00:00:00Z" if day_only else text)
    return time.time_ns() - parse_long_duration_ns(text)


MOMENT = Kind("TIME|DURATION", _moment)


@dataclass(kw_only=True)
class QueryOptions:
    """What is searched, and how it is shown."""

    stream: Annotated[str, arg("Stream to search")]
    subject: Annotated[
        list[str],
        opt("--subject", help="Only messages of these subjects", kind=SUBJECTS, panel="Which"),
    ] = field(default_factory=list)
    where: Annotated[
        list[str],
        opt("--where", "-w", placeholder="EXPRESSION", panel="Which",
            help="Only where this is true, of data, headers, subject, sequence, time, size; may be "
            "repeated"),
    ] = field(default_factory=list)  # fmt: skip
    header: Annotated[
        list[str],
        opt("--header", "-H", placeholder="K=V", panel="Which",
            help="Only with this header: K, K=V, K!=V or K~REGEX; may be repeated"),
    ] = field(default_factory=list)  # fmt: skip
    match: Annotated[
        list[str],
        opt("--match", placeholder="REGEX", help="Only where the body matches", panel="Which"),
    ] = field(default_factory=list)
    since: Annotated[
        int, opt("--since", help="Not older than this", kind=MOMENT, panel="Which")
    ] = 0
    until: Annotated[
        int, opt("--until", help="Not younger than this", kind=MOMENT, panel="Which")
    ] = 0
    start_sequence: Annotated[
        int, opt("--start-sequence", help="First sequence", kind=UNSIGNED, panel="Which")
    ] = 0
    end_sequence: Annotated[
        int, opt("--end-sequence", help="Last sequence", kind=UNSIGNED, panel="Which")
    ] = 0
    limit: Annotated[
        int, opt("--limit", "-n", help="Stop after so many", kind=UNSIGNED, panel="Output")
    ] = 0
    reverse: Annotated[bool, opt("--reverse", help="The newest first", panel="Output")] = False
    count: Annotated[bool, opt("--count", help="Only say how many", panel="Output")] = False
    select: Annotated[
        list[str],
        opt("--select", placeholder="FIELDS", panel="Output",
            help="Show these instead of the message: data.order.id,subject,time"),
    ] = field(default_factory=list)  # fmt: skip
    json: Annotated[bool, opt("--json", "-j", help="Print JSON", panel="Output")] = False
    output: Annotated[
        str, opt("--output", help="Form of what is shown", kind=Choice(*FORMS), panel="Output")
    ] = "text"


async def query(session: Session, options: QueryOptions) -> None:
    """Search what a stream holds, without a change to it.

    Messages are shown as they are found. An expression is one of `expr`: `data` is the body as
    JSON (or text), so `data.order.total > 100 and headers.Kind == "new"`.

    Without a stream it is `pynats stream find`, with that command's flags.
    """
    conditions = _conditions(options)
    projection = Projection(options.select) if options.select else None
    if options.count and projection is not None:
        raise UsageError("--count and --select do not go together")
    info = await session.js.stream_info(options.stream)
    form = "json" if options.json else options.output
    results = Results(form, projection, sys.stdout.isatty()) if not options.count else None
    found = await _run(session, options, info, conditions, results)
    if results is not None:
        results.close()
    else:
        line(f'{{"count": {found}}}' if form in ("json", "jsonl") else str(found))
    if conditions.failed:
        note(
            f"pynats: {thousands(conditions.failed)} messages have no such value, "
            f"the first: {conditions.failure}"
        )


def _conditions(options: QueryOptions) -> Conditions:
    conditions = Conditions()
    # The cheap ones first.
    for text in options.match:
        conditions.match(text)
    for text in options.header:
        conditions.header(text)
    for text in options.where:
        conditions.where(text)
    return conditions


def _window(options: QueryOptions, state: dict[str, Any]) -> Window:
    """What is read at most; messages that come during the search are not part of it."""
    last = int(state["last_seq"])
    if options.end_sequence:
        last = min(last, options.end_sequence)
    return Window(
        max(options.start_sequence, int(state["first_seq"]), 1),
        last,
        tuple(options.subject),
        options.since,
    )


async def _run(
    session: Session,
    options: QueryOptions,
    info: dict[str, Any],
    conditions: Conditions,
    results: Results | None,
) -> int:
    """Returns how many were found."""
    found = 0
    until, limit, start = options.until, options.limit, options.start_sequence
    holds = conditions.hold if conditions.tests else None

    def wanted(record: Record) -> bool:
        if record.sequence < start or (until and record.time_ns > until):
            return False
        return holds is None or holds(record)

    def accept(record: Record) -> bool:
        nonlocal found
        found += 1
        if results is not None:
            results.add(record)
        return not limit or found < limit

    def take(record: Record) -> bool:
        if until and record.time_ns > until:
            return False
        return not wanted(record) or accept(record)

    window = _window(options, info["state"])
    total = max(0, window.last - window.first + 1)
    if not options.subject:
        total = min(total, int(info["state"]["messages"]))
    with progress.bar(total, shown=not sys.stdout.isatty()) as advance:
        scanner = Scanner(session, info, advance)
        if options.reverse:
            await scan_backwards(scanner, window, wanted, accept)
        else:
            await scanner.scan(window, take)
    return found
