"""`consumer report`: the consumers of a stream side by side."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from pynats_common.commandline.declare import opt
from pynats_common.go.durations import format_duration_ns

from pynats_cli.commands.consumer.options import OneStream
from pynats_cli.connect.session import Session
from pynats_cli.flags import Shown
from pynats_cli.jetstream.consumers.requests import Listing, listing
from pynats_cli.jetstream.consumers.screen import is_pull, policy_text
from pynats_cli.jetstream.streams.tables import leaders_table, replicas_text
from pynats_cli.pickers import pick_stream
from pynats_cli.screen.human import duration, thousands
from pynats_cli.screen.output import note, show
from pynats_cli.screen.tables import Table

_HEADERS = (
    "Consumer", "Mode", "Ack Policy", "Ack Wait", "Ack Pending", "Redelivered", "Unprocessed",
    "Ack Floor", "API Level", "Cluster",
)  # fmt: skip


@dataclass(kw_only=True)
class ReportOptions(OneStream, Shown):
    """Which stream, and how figures are shown."""

    raw: Annotated[bool, opt("--raw", "-r", help="Show plain numbers")] = False
    leaders: Annotated[bool, opt("--leaders", "-l", help="Show which servers lead")] = False


async def report(session: Session, options: ReportOptions) -> None:
    """Compare the consumers of a stream."""
    stream = await pick_stream(session, options.stream, everything=options.all)
    messages = int((await session.js.stream_info(stream))["state"]["messages"])
    found = await listing(session, stream)
    show(options, found.consumers, lambda: _screens(stream, messages, found.consumers, options))
    _warn(found)


def _screens(
    stream: str, messages: int, consumers: list[dict[str, Any]], options: ReportOptions
) -> str:
    text = report_table(stream, messages, consumers, options.raw)
    leaders = leaders_table(consumers, "Consumers") if options.leaders else ""
    return f"{text}\n\n{leaders}" if leaders else text


def report_table(
    stream: str, messages: int, consumers: list[dict[str, Any]], raw: bool = False
) -> str:
    """One row a consumer; `messages` are those in the stream."""
    title = f"Consumer report for {stream} with {thousands(len(consumers))} consumers"
    table = Table(title, _HEADERS)
    figure = str if raw else thousands
    for info in consumers:
        config = info["config"]
        wait_ns = config.get("ack_wait", 0)
        pending = int(info.get("num_pending", 0))
        table.add(
            info["name"], "Pull" if is_pull(config) else "Push",
            policy_text(config.get("ack_policy", "none")),
            format_duration_ns(wait_ns) if raw else duration(wait_ns),
            figure(info.get("num_ack_pending", 0)), figure(info.get("num_redelivered", 0)),
            str(pending) if raw else _share(pending, messages),
            figure(info.get("ack_floor", {}).get("stream_seq", 0)),
            (config.get("metadata") or {}).get("_nats.req.level", ""),
            replicas_text(info.get("cluster") or {}),
        )  # fmt: skip
    return table.render()


def _share(pending: int, messages: int) -> str:
    """Unprocessed messages and their share of the stream, if it has any."""
    share = f" / {pending * 100 // messages}%" if messages else ""
    return f"{thousands(pending)}{share}"


def _warn(found: Listing) -> None:
    if found.missing:
        note(f"{len(found.missing)} consumers are inaccessible: {', '.join(sorted(found.missing))}")
    for name, reason in sorted(found.offline.items()):
        note(f"{name} is offline: {reason}")
