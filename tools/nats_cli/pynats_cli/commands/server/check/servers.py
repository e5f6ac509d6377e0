"""`pynats server check meta|server`: servers, asked through the system account."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from pynats_common.commandline.declare import opt
from pynats_common.commandline.kinds import DURATION, UNSIGNED

from pynats_cli.commands.server.check.options import THRESHOLD, CheckOptions
from pynats_cli.commands.server.check.running import run_check
from pynats_cli.servers.checks.meta import MetaExpectation
from pynats_cli.servers.checks.result import Result
from pynats_cli.servers.checks.server import ServerThresholds

if TYPE_CHECKING:
    from pynats_cli.connect.session import Session
    from pynats_cli.global_options import GlobalOptions

Number = int | None


@dataclass(kw_only=True)
class MetaOptions(CheckOptions):
    expect: Annotated[int, opt("--expect", help="Number of servers in the group", kind=UNSIGNED)]
    lag_critical: Annotated[
        int, opt("--lag-critical", help="Operations a peer may be behind", kind=UNSIGNED)
    ]
    seen_critical: Annotated[
        int, opt("--seen-critical", help="How long ago a peer may have been seen", kind=DURATION)
    ]


async def meta(options: GlobalOptions, chosen: MetaOptions) -> int:
    """Checks the meta group."""
    expected = MetaExpectation(
        expect=chosen.expect, lag_critical=chosen.lag_critical, seen_critical=chosen.seen_critical
    )
    result = Result(suite="meta", name="JetStream Meta Cluster")

    async def check(session: Session) -> None:
        from pynats_cli.servers.checks.live import check_meta

        await check_meta(session, expected, result)

    return await run_check(options, chosen, result, check)


@dataclass(kw_only=True)
class ServerOptions(CheckOptions):
    name: Annotated[str, opt("--name", help="Name of the server")]
    cpu_warn: Annotated[
        Number, opt("--cpu-warn", help="Warn at this use of processors, in percent",
                    kind=THRESHOLD)] = None  # fmt: skip
    cpu_critical: Annotated[
        Number, opt("--cpu-critical", help="Critical use of processors, in percent",
                    kind=THRESHOLD)] = None  # fmt: skip
    mem_warn: Annotated[
        Number, opt("--mem-warn", help="Warn at this use of memory, in bytes",
                    kind=THRESHOLD)] = None  # fmt: skip
    mem_critical: Annotated[
        Number, opt("--mem-critical", help="Critical use of memory, in bytes",
                    kind=THRESHOLD)] = None  # fmt: skip
    conn_warn: Annotated[
        Number, opt("--conn-warn",
                    help="Warn at this many connections; below it if critical is lower",
                    kind=THRESHOLD)] = None  # fmt: skip
    conn_critical: Annotated[
        Number, opt("--conn-critical", help="Critical number of connections",
                    kind=THRESHOLD)] = None  # fmt: skip
    subs_warn: Annotated[
        Number, opt("--subs-warn",
                    help="Warn at this many subscriptions; below it if critical is lower",
                    kind=THRESHOLD)] = None  # fmt: skip
    subs_critical: Annotated[
        Number, opt("--subs-critical", help="Critical number of subscriptions",
                    kind=THRESHOLD)] = None  # fmt: skip
    uptime_warn: Annotated[
        Number, opt("--uptime-warn", help="Warn if it is up no longer than this",
                    kind=DURATION)] = None  # fmt: skip
    uptime_critical: Annotated[
        Number, opt("--uptime-critical", help="Critical if it is up no longer than this",
                    kind=DURATION)] = None  # fmt: skip
    auth_required: Annotated[
        bool, opt("--auth-required", help="It must require authentication")
    ] = False
    tls_required: Annotated[bool, opt("--tls-required", help="It must require TLS")] = False
    js_required: Annotated[bool, opt("--js-required", help="It must have JetStream")] = False
    tls_cert_warn: Annotated[
        Number, opt("--tls-cert-warn", help="Warn if a certificate ends within this time",
                    kind=DURATION)] = None  # fmt: skip
    tls_cert_crit: Annotated[
        Number, opt("--tls-cert-crit", help="Critical if a certificate ends within this time",
                    kind=DURATION)] = None  # fmt: skip


async def server(options: GlobalOptions, chosen: ServerOptions) -> int:
    """Checks a server."""
    limits = ServerThresholds(
        cpu_warn=chosen.cpu_warn, cpu_critical=chosen.cpu_critical,
        mem_warn=chosen.mem_warn, mem_critical=chosen.mem_critical,
        conn_warn=chosen.conn_warn, conn_critical=chosen.conn_critical,
        subs_warn=chosen.subs_warn, subs_critical=chosen.subs_critical,
        uptime_warn=chosen.uptime_warn, uptime_critical=chosen.uptime_critical,
        auth_required=chosen.auth_required, tls_required=chosen.tls_required,
        js_required=chosen.js_required,
        tls_cert_warn=chosen.tls_cert_warn, tls_cert_crit=chosen.tls_cert_crit,
    )  # fmt: skip
    result = Result(suite="server", name=chosen.name)

    async def check(session: Session) -> None:
        from pynats_cli.servers.checks.live import check_server

        await check_server(session, chosen.name, limits, result)

    return await run_check(options, chosen, result, check)
