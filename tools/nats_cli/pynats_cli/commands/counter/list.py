"""`counter list`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from pynats_common.commandline.declare import arg

from pynats_cli.commands.counter.stream import StreamFlag, counter_stream
from pynats_cli.connect.session import Session
from pynats_cli.errors import CliError
from pynats_cli.flags import Shown
from pynats_cli.screen.output import note, show


@dataclass(kw_only=True)
class ListOptions(Shown):
    """Which counters of which stream."""

    subject: Annotated[str, arg("Subjects of the counters, with wildcards")] = ""
    stream: StreamFlag = ""


async def list_counters(session: Session, options: ListOptions) -> None:
    """List the subjects of a stream's counters."""
    if not options.subject and not options.stream:
        raise CliError("no stream or subject specified")
    stream = await counter_stream(session, options.stream, options.subject)
    found = sorted(await _subjects(session, stream, options.subject or ">"))
    if not found:
        note("no counters found")
    show(options, found, lambda: "\n".join(found))


async def _subjects(session: Session, stream: str, pattern: str) -> set[str]:
    """All subjects; a page of the API holds many but not any number."""
    found: set[str] = set()
    while True:
        request = {"subjects_filter": pattern, "offset": len(found)}
        answer = await session.js.request(f"STREAM.INFO.{stream}", request)
        page = answer["state"].get("subjects") or {}
        found |= set(page)
        if not page or len(found) >= int(answer.get("total") or 0):
            return found
