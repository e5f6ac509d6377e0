"""Options of `pynats server stream-check` and `consumer-check`, and where their data comes from."""

from __future__ import annotations

import asyncio
import csv
import io
import sys
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, Any

from pynats_common.commandline.declare import opt
from pynats_common.commandline.kinds import UNSIGNED
from pynats_common.go.durations import SECOND_NS

from pynats_cli.errors import CliError
from pynats_cli.flags import Shown
from pynats_cli.screen.output import note, show, write
from pynats_cli.screen.tables import Table
from pynats_cli.servers.replicas import reading
from pynats_cli.servers.replicas.groups import IN_SYNC, Group, Member

if TYPE_CHECKING:
    from pynats_cli.connect.session import Session
    from pynats_cli.global_options import GlobalOptions


@dataclass(kw_only=True)
class ReplicaOptions(Shown):
    """What is compared, and how it is shown."""

    stream: Annotated[str, opt("--stream", help="Only this stream")] = ""
    raft_group: Annotated[str, opt("--raft-group", help="Only this raft group")] = ""
    health: Annotated[bool, opt("--health", help="Ask for the health of each replica")] = False
    expected: Annotated[
        int, opt("--expected", help="How many servers to wait for", kind=UNSIGNED)
    ] = 0
    unsynced: Annotated[bool, opt("--unsynced", help="Only what is not in sync")] = False
    stdin: Annotated[
        bool,
        opt("--stdin", help="Read the output of 'server request jsz --all --config' from stdin"),
    ] = False
    read_timeout: Annotated[
        int, opt("--read-timeout", help="Seconds to wait for answers", kind=UNSIGNED)
    ] = 5
    csv: Annotated[bool, opt("--csv", help="Print CSV", panel="Output")] = False
    archive: Annotated[
        str, opt("--archive", placeholder="FILE", help="Read an archive of audit gather")
    ] = ""


class Source:
    """Answers, and the connection they came over, if any. Used in `async with`."""

    def __init__(self, options: GlobalOptions, chosen: ReplicaOptions) -> None:
        self._options, self._chosen = options, chosen
        self._stack = AsyncExitStack()
        self._session: Session | None = None

    async def __aenter__(self) -> Source:
        if self._chosen.stdin and self._chosen.archive:
            raise CliError("--stdin and --archive cannot be used together")
        if not self._offline:
            from pynats_cli.connect.opening import open_session

            session = await self._stack.enter_async_context(open_session(self._options))
            wait_ns = (self._chosen.read_timeout or 5) * SECOND_NS
            session.options = replace(self._options, timeout_ns=wait_ns)
            self._session = session
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._stack.__aexit__(*error)  # type: ignore[arg-type]

    @property
    def _offline(self) -> bool:
        return self._chosen.stdin or bool(self._chosen.archive)

    async def documents(self) -> list[dict[str, Any]]:
        """JSZ answers."""
        if self._session is not None:
            found = await reading.ask(self._session, self._chosen.expected, note)
        elif self._chosen.stdin:
            found = reading.from_text(await asyncio.to_thread(sys.stdin.read))
        else:
            found = reading.from_archive(self._chosen.archive)
        note(f"Servers: {len(found)}")
        return found

    async def add_health(self, members: Sequence[Member]) -> None:
        """Needs running servers."""
        if self._session is None:
            raise CliError("--health needs a connection")
        await reading.add_health(self._session, members)


def chosen_members(groups: Sequence[Group], unsynced: bool) -> list[Member]:
    """The replicas to show; of a group that is not in sync all, to compare them."""
    return [
        member for group in groups
        if not unsynced or any(each.status != IN_SYNC for each in group.members)
        for member in group.members
    ]  # fmt: skip


def show_rows(
    chosen: ReplicaOptions, title: str, headers: Sequence[str], rows: list[list[object]]
) -> None:
    """Shows rows as a table, as CSV, or as JSON."""
    if chosen.csv:
        buffer = io.StringIO()
        csv.writer(buffer, lineterminator="\n").writerows([headers, *rows])
        write(buffer.getvalue())
        return

    def drawn() -> str:
        table = Table(title, headers)
        for row in rows:
            table.add(*row)
        return table.render()

    keys = [header.lower().replace(" (s,c)", "").replace(" ", "_") for header in headers]
    show(chosen, [dict(zip(keys, row, strict=True)) for row in rows], drawn)
