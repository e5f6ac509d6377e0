"""`pynats server check connection`."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from pynats_common.commandline.declare import opt
from pynats_common.commandline.kinds import DURATION

from pynats_cli.commands.server.check.options import CheckOptions
from pynats_cli.commands.server.check.running import connected, give
from pynats_cli.servers.checks.connection import ConnectionThresholds, judge_connect
from pynats_cli.servers.checks.result import Result

if TYPE_CHECKING:
    from pynats_cli.connect.session import Session
    from pynats_cli.global_options import GlobalOptions

_HALF, _ONE = 500_000_000, 1_000_000_000


@dataclass(kw_only=True)
class ConnectionOptions(CheckOptions):
    connect_warn: Annotated[
        int, opt("--connect-warn", help="Warn if connecting takes this long", kind=DURATION)
    ] = _HALF
    connect_critical: Annotated[
        int, opt("--connect-critical", help="Critical time for connecting", kind=DURATION)
    ] = _ONE
    rtt_warn: Annotated[
        int, opt("--rtt-warn", help="Warn if a PING takes this long", kind=DURATION)
    ] = _HALF
    rtt_critical: Annotated[
        int, opt("--rtt-critical", help="Critical time of a PING", kind=DURATION)
    ] = _ONE
    req_warn: Annotated[
        int, opt("--req-warn", help="Warn if a message takes this long back to us", kind=DURATION)
    ] = _HALF
    req_critical: Annotated[
        int, opt("--req-critical", help="Critical time of a message back to us", kind=DURATION)
    ] = _ONE

    def thresholds(self) -> ConnectionThresholds:
        return ConnectionThresholds(
            connect_warn=self.connect_warn, connect_critical=self.connect_critical,
            rtt_warn=self.rtt_warn, rtt_critical=self.rtt_critical,
            req_warn=self.req_warn, req_critical=self.req_critical,
        )  # fmt: skip


async def connection(options: GlobalOptions, chosen: ConnectionOptions) -> int:
    """Checks the connection."""
    result = Result(suite="connections", name="Connection")
    await check_connection(options, chosen.thresholds(), result)
    return give(chosen, result)


async def check_connection(
    options: GlobalOptions, limits: ConnectionThresholds, result: Result
) -> None:
    """Connects, and measures that and the round trips."""
    from pynats_cli.connect.session import connected_to
    from pynats_cli.servers.checks.live import check_round_trips

    begin = time.perf_counter_ns()

    async def check(session: Session) -> None:
        took = time.perf_counter_ns() - begin
        judge_connect(took, connected_to(session.client), limits, result)
        await check_round_trips(session, limits, result)

    await connected(options, result, check)
