"""`pynats service list|info|stats|ping`: what services say of themselves."""

from __future__ import annotations

import re
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any

from pynats_common.commandline.declare import arg, opt
from pynats_common.commandline.kinds import REGEX
from pynats_common.go.durations import human_duration_ns

from pynats_cli.errors import CliError
from pynats_cli.flags import NamesOnly, Shown
from pynats_cli.messages.micro import discovery, screens
from pynats_cli.screen.output import line, show

if TYPE_CHECKING:
    from pynats_cli.connect.session import Session


@dataclass(kw_only=True)
class ListOptions(NamesOnly, Shown):
    service: Annotated[str, arg("List the instances of this service only")] = ""


async def list_services(session: Session, options: ListOptions) -> None:
    found = await discovery.all_of(session, "INFO", options.service)
    if options.service and not found:
        raise CliError(discovery.NOBODY)
    if options.names:
        names = sorted({str(each["name"]) for each in found})
        show(options, names, lambda: "\n".join(names))
        return
    show(options, found, lambda: screens.list_screen(found, options.service))


@dataclass(kw_only=True)
class InfoOptions(Shown):
    service: Annotated[str, arg("Service to show")]
    id: Annotated[str, arg("The instance with this ID")] = ""
    endpoint: Annotated[
        re.Pattern[str],
        opt("--endpoint", "-e", help="Show endpoints whose name matches", kind=REGEX),
    ] = field(default_factory=lambda: re.compile(""))


async def info(session: Session, options: InfoOptions) -> None:
    found = await discovery.first_of(session, "INFO", options.service, options.id)
    instance = str(found["id"])
    stats = await discovery.first_of(session, "STATS", options.service, instance)
    for content in (found, stats):
        content["endpoints"] = discovery.endpoints_of(content, options.endpoint)
    show(options, {"info": found, "stats": stats}, lambda: screens.info_screen(found, stats))


@dataclass(kw_only=True)
class StatsOptions(Shown):
    service: Annotated[str, arg("Service to show")]
    id: Annotated[str, arg("The instance with this ID")] = ""


async def stats(session: Session, options: StatsOptions) -> None:
    found = await discovery.all_of(session, "STATS", options.service, options.id)
    if not found:
        raise CliError(discovery.NOBODY)
    show(options, found, lambda: screens.stats_screen(found, options.service))


@dataclass(kw_only=True)
class PingOptions(Shown):
    service: Annotated[str, arg("Ask the instances of this service only")] = ""


async def ping(session: Session, options: PingOptions) -> None:
    """Measure how long services take to answer. Waits for the whole --timeout, so that slow ones
    are seen, too."""
    found: list[dict[str, Any]] = []
    answers = discovery.answers(session, "PING", options.service, gap_s=None)
    async with aclosing(answers):
        async for answer in answers:
            rtt_ns = round(answer.rtt_s * 1e9)
            if options.form == "table":
                line(f"{answer.name} {answer.id:50} rtt={human_duration_ns(rtt_ns)}")
            found.append({"name": answer.name, "id": answer.id, "rtt": rtt_ns})
    if options.form != "table":
        show(options, found, str)
