"""`pynats top`: what servers do now, at a terminal or as text."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated

from pynats_cli.errors import CliError
from pynats_cli.global_options import GlobalOptions
from pynats_common.commandline.declare import arg, opt
from pynats_common.commandline.kinds import EXISTING_FILE, FLOAT, INTEGER, Choice, Kind
from pynats_common.go.durations import SECOND_NS, parse_long_duration_ns
from pynats_common.go.quoting import quote_excerpt

from pynats_top.collect.source import SORTS
from pynats_top.options import FORMS, LIMIT, VIEWS, TopOptions

if TYPE_CHECKING:
    import ssl

    from pynats_top.running import Target

_TEXT, _SERVERS = "Without a screen", "Which servers"


def seconds(text: str) -> float:
    """Seconds of `1`, `0.5` or `500ms`. Raises ValueError."""
    try:
        return float(text)
    except ValueError:
        pass
    try:
        return parse_long_duration_ns(text) / SECOND_NS
    except ValueError:
        raise ValueError(f"must be seconds or a duration, got {quote_excerpt(text)}") from None


INTERVAL = Kind("SECONDS", seconds)


@dataclass(kw_only=True)
class Chosen:
    """Arguments and flags of `pynats top`."""

    name: Annotated[
        list[str], arg("Servers by name or id, asked through the system account; none for all")
    ] = field(default_factory=list)
    monitor: Annotated[
        list[str],
        opt(
            "--monitor",
            help="Ask this monitoring port instead (also -s http://HOST:8222)",
            placeholder="URL",
            panel=_SERVERS,
        ),
    ] = field(default_factory=list)
    conns: Annotated[
        int, opt("--conns", "-n", help="How many connections to ask for", kind=INTEGER)
    ] = LIMIT
    interval: Annotated[
        float, opt("--interval", "-d", help="Time between two polls", kind=INTERVAL)
    ] = 1.0
    sort: Annotated[
        str,
        opt(
            "--sort",
            help=f"Sort connections by this: {', '.join(SORTS)}",
            placeholder="KEY",
            kind=Choice(*SORTS),
        ),
    ] = "cid"
    lookup: Annotated[bool, opt("--lookup", help="Names of client addresses from the DNS")] = False
    raw: Annotated[bool, opt("--raw", "-b", help="Plain numbers, without units")] = False
    subs: Annotated[bool, opt("--subs", "-u", help="Show the subscriptions of connections")] = False
    max_refresh: Annotated[
        int, opt("--max-refresh", "-r", help="End after so many refreshes", kind=INTEGER)
    ] = -1
    view: Annotated[
        str,
        opt(
            "--view",
            help=f"What to show: {', '.join(VIEWS)}",
            placeholder="VIEW",
            kind=Choice(*VIEWS),
            panel=_TEXT,
        ),
    ] = "connections"
    output: Annotated[
        str,
        opt(
            "--output",
            "-o",
            help="Save the first snapshot as text and end; - is standard output",
            placeholder="FILE",
            panel=_TEXT,
        ),
    ] = ""
    delimiter: Annotated[
        str, opt("--delimiter", "-l", help="Between the cells of that text", panel=_TEXT)
    ] = ""
    once: Annotated[
        bool, opt("--once", help="A snapshot with rates on standard output", panel=_TEXT)
    ] = False
    form: Annotated[str, opt("--format", help="Of --once", kind=Choice(*FORMS), panel=_TEXT)] = (
        "text"
    )
    json: Annotated[
        bool, opt("--json", "-j", help="The same as --once --format json", panel=_TEXT)
    ] = False
    record: Annotated[
        str, opt("--record", help="Write every poll to this file", placeholder="FILE")
    ] = ""
    replay: Annotated[
        str, opt("--replay", help="Show a recording instead of a server", kind=EXISTING_FILE)
    ] = ""
    speed: Annotated[
        float, opt("--speed", help="How much faster a recording is replayed", kind=FLOAT)
    ] = 1.0  # fmt: skip


def top(options: GlobalOptions, chosen: Chosen) -> int:
    """Shows what servers do now."""
    from pynats_top.running import run

    return run(_top_options(chosen), _target(options, chosen))


def _top_options(chosen: Chosen) -> TopOptions:
    return TopOptions(
        interval_s=chosen.interval,
        limit=chosen.conns,
        sort=chosen.sort,
        subscriptions=chosen.subs,
        lookup=chosen.lookup,
        raw=chosen.raw,
        refreshes=chosen.max_refresh,
        output=chosen.output,
        delimiter=chosen.delimiter,
        once=chosen.once or chosen.json or chosen.form != "text",
        form="json" if chosen.json else chosen.form,
        view=chosen.view,
        record=chosen.record,
        replay=chosen.replay,
        speed=chosen.speed,
    )


def _target(options: GlobalOptions, chosen: Chosen) -> Target:
    from pynats_top.addresses import is_monitoring, monitoring_url, split_addresses
    from pynats_top.running import Target

    given = split_addresses([options.server])
    monitored = [address for address in given if is_monitoring(address)]
    urls = [*map(monitoring_url, [*split_addresses(chosen.monitor), *monitored])]
    if chosen.replay:
        return Target()
    if not urls:
        return Target(names=chosen.name, system=options)
    if len(monitored) < len(given) and not chosen.monitor:
        raise CliError("--server has addresses of clients and of monitoring ports: use one kind")
    if chosen.name:
        raise CliError("servers by name are asked through the system account, not by a monitoring"
                       " port")  # fmt: skip
    target = Target(urls, login=_login(options), tls=_tls(options))
    if "timeout_ns" in options.explicit:
        target.timeout_s = options.timeout_s
    return target


def _login(options: GlobalOptions) -> tuple[str, str | None]:
    """What was given in this command line only: no other place knows that it is for HTTP."""
    explicit = options.explicit
    if "token" in explicit:
        return options.token, None
    if "user" in explicit:
        return options.user, options.password if "password" in explicit else None
    return "", None


def _tls(options: GlobalOptions) -> ssl.SSLContext | None:
    from pynats_common.network.tls import ClientTls, TlsError

    try:
        files = ClientTls(options.tlscert, options.tlskey, options.tlsca)
        return files.context() if files else None
    except TlsError as error:
        raise CliError(str(error)) from None
