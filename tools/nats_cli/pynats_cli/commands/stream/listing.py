"""`stream ls`, `stream report`, `stream find`: many streams at once."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pynats_common.commandline.declare import opt
from pynats_common.commandline.kinds import UNSIGNED
from pynats_common.go.errno import error_text

from pynats_cli.commands.stream.options import StreamGroup
from pynats_cli.errors import CliError
from pynats_cli.flags import Shown
from pynats_cli.jetstream.streams import tables
from pynats_cli.jetstream.streams.fields import shown_info
from pynats_cli.jetstream.streams.find import FindFlags, matching
from pynats_cli.jetstream.streams.requests import Listing, list_streams
from pynats_cli.pickers import is_internal
from pynats_cli.screen.output import line, note, show

if TYPE_CHECKING:
    from pynats_cli.connect.session import Session


@dataclass(kw_only=True)
class ListOptions(StreamGroup, Shown):
    subject: Annotated[
        str, opt("--subject", help="Only streams that hold the subject", placeholder="SUBJECT")
    ] = ""
    names: Annotated[bool, opt("--names", "-n", help="Only the names")] = False


def _name(info: dict[str, Any]) -> str:
    return str(info["config"]["name"])


async def ls(session: Session, options: ListOptions) -> None:
    """Names, sizes and times; `--json` is a list of names, as in the original."""
    if options.names or options.form != "table":
        everything = await session.js.stream_names(options.subject)
        whole = options.all or options.names  # `--names` never leaves any out, in the original too
        names = [name for name in everything if whole or not is_internal(name)]
        show(options, names, lambda: "\n".join(names))
        return
    found = await list_streams(session.js, options.subject)
    shown = [info for info in found.streams if options.all or not is_internal(_name(info))]
    line(_list_text(found, shown, options))


def _title(subject: str) -> str:
    return f"Streams matching {subject}" if subject else "Streams"


def _list_text(found: Listing, shown: list[dict[str, Any]], options: ListOptions) -> str:
    parts = []
    if shown:
        title = _title(options.subject)
        parts.append(tables.list_table(sorted(shown, key=tables.by_size), title))
    elif found.streams:
        parts.append("No Streams defined, pass -a to include system streams")
    else:
        parts.append("No Streams defined")
    parts += tables.unavailable_tables(found.missing, found.offline)
    return "\n\n".join(parts)


@dataclass(kw_only=True)
class ReportOptions(StreamGroup, Shown):
    subject: Annotated[
        str, opt("--subject", help="Only streams that hold the subject", placeholder="SUBJECT")
    ] = ""
    cluster: Annotated[str, opt("--cluster", help="Only streams in this cluster")] = ""
    by_consumers: Annotated[bool, opt("--consumers", "-o", help="Sort by consumers")] = False
    by_messages: Annotated[bool, opt("--messages", "-m", help="Sort by messages")] = False
    by_name: Annotated[bool, opt("--name", "-n", help="Sort by name")] = False
    by_storage: Annotated[bool, opt("--storage", "-t", help="Sort by storage")] = False
    raw: Annotated[bool, opt("--raw", "-r", help="Numbers as they are")] = False
    dot: Annotated[
        str, opt("--dot", help="Write the flow between streams for GraphViz", placeholder="FILE")
    ] = ""
    leaders: Annotated[bool, opt("--leaders", "-l", help="Who leads how many")] = False


async def report(session: Session, options: ReportOptions) -> None:
    """One row a stream, and what it copies from where."""
    found = await list_streams(session.js, options.subject)
    chosen = [
        info
        for info in found.streams
        if not options.cluster or (info.get("cluster") or {}).get("name") == options.cluster
    ]
    chosen.sort(key=tables.ORDERS[_order(options)])
    if options.dot:
        _write(options.dot, tables.dot_graph(chosen))
    show(
        options,
        [shown_info(info) for info in chosen],
        lambda: _report_text(found, chosen, options),
    )


def _order(options: ReportOptions) -> str:
    chosen = (
        ("consumers", options.by_consumers), ("messages", options.by_messages),
        ("name", options.by_name), ("storage", options.by_storage),
    )  # fmt: skip
    return next((name for name, wanted in chosen if wanted), "bytes")


def _report_text(found: Listing, chosen: list[dict[str, Any]], options: ReportOptions) -> str:
    if not chosen and not found.missing and not found.offline:
        return "No Streams defined"
    note("Obtaining Stream stats\n")
    parts = [
        tables.report_table(chosen, options.raw),
        tables.replication_table(chosen),
        tables.leaders_table(chosen, "Streams") if options.leaders else "",
        *tables.unavailable_tables(found.missing, found.offline),
    ]
    return "\n\n".join(part for part in parts if part)


def _write(path: str, text: str) -> None:
    try:
        Path(path).write_text(text, encoding="utf-8")
    except OSError as error:
        raise CliError(f"{path}: {error_text(error)}") from None


@dataclass(kw_only=True)
class FindOptions(FindFlags, StreamGroup, Shown):
    names: Annotated[bool, opt("--names", "-n", help="Only the names")] = False
    api_level: Annotated[
        int | None, opt("--api-level", help="Needs at least this API level", kind=UNSIGNED)
    ] = None


async def find(session: Session, options: FindOptions) -> None:
    """Streams for which all that was asked holds."""
    found = await matching(session, options)
    if options.names:
        names = [_name(info) for info in found]
        show(options, names, lambda: "\n".join(names))
        return
    show(
        options,
        [shown_info(info) for info in found],
        lambda: tables.list_table(sorted(found, key=tables.by_size), _title(options.subject)),
    )
