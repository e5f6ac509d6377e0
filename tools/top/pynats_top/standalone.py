"""`pynats-top`: the flags of the original `nats-top`, with one dash or two, and some more."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from pynats_cli.errors import CliError
from pynats_common.commandline.suggest import did_you_mean
from pynats_common.commandline.untrusted import harmless_cell
from pynats_common.go.flags import FlagError, Kind, read_flags
from pynats_common.program.version import version_line

if TYPE_CHECKING:
    import ssl

    from pynats_top.options import TopOptions
    from pynats_top.running import Target

PROGRAM: Final = "pynats-top"

# Name, what it is for, kind, what stands for its value, and help; a flag without help is a second
# spelling.
FLAGS: Final[tuple[tuple[str, str, Kind, str, str], ...]] = (
    ("s", "server", "str", "HOST", "server: a host, host:port or URL; several with commas"),
    ("m", "port", "int", "PORT", "monitoring port (8222)"),
    ("ms", "secure_port", "int", "PORT", "monitoring port with HTTPS (0: HTTP)"),
    ("cert", "cert", "str", "FILE", "client certificate"),
    ("key", "key", "str", "FILE", "its key"),
    ("cacert", "ca", "str", "FILE", "authorities to trust"),
    ("k", "insecure", "bool", "", "do not verify the server's certificate"),
    ("context", "context", "str", "NAME", "ask through the system account of this context"),
    ("n", "conns", "int", "N", "how many connections to ask for (1024)"),
    ("d", "interval", "str", "SECONDS", "time between two polls (1)"),
    ("sort", "sort", "str", "KEY", "what to sort connections by (cid)"),
    ("lookup", "lookup", "bool", "", "names of client addresses from the DNS"),
    ("b", "raw", "bool", "", "plain numbers, without units"),
    ("u", "subs", "bool", "", "show the subscriptions of connections"),
    ("display-subscriptions-column", "subs", "bool", "", ""),
    ("r", "max_refresh", "int", "N", "end after so many refreshes (-1: never)"),
    ("o", "output", "str", "FILE", "save the first snapshot as text and end; - prints it"),
    ("l", "delimiter", "str", "TEXT", "between the cells of that text"),
    ("once", "once", "bool", "", "print a snapshot with rates"),
    ("format", "form", "str", "FORM", "of -once: text, csv or json"),
    ("view", "view", "str", "VIEW",
     "all, servers, connections, accounts, streams, consumers or slow"),
    ("record", "record", "str", "FILE", "write every poll to this file"),
    ("replay", "replay", "str", "FILE", "show a recording"),
    ("speed", "speed", "str", "N", "how much faster a recording is replayed (1)"),
    ("v", "version", "bool", "", "show the version"),
    ("version", "version", "bool", "", ""),
    ("h", "help", "bool", "", "show this"),
    ("help", "help", "bool", "", ""),
)  # fmt: skip

_USAGE: Final = f"usage: {PROGRAM} [-s HOST] [-m PORT] [-ms PORT] [-n N] [-d SECONDS] [-sort KEY]\n"
EXAMPLES: Final = f"""
examples:
  {PROGRAM}                                  the server of this machine
  {PROGRAM} -s http://a:8222,http://b:8222   two servers
  {PROGRAM} -n 1 -sort subs                  who has most subscriptions
  {PROGRAM} -o - -l ,                        one snapshot for a script
"""


def main() -> int:
    """One command line; returns the exit code. One line for every error."""
    try:
        return run(sys.argv[1:])
    except CliError as error:
        line = harmless_cell(" ".join(str(error).split()))
        print(f"{PROGRAM}: {line}", file=sys.stderr)
        return error.exit_code


def run(arguments: Sequence[str]) -> int:
    """The exit code. Raises CliError."""
    given = _read(arguments)
    if given.get("help"):
        print(usage(), end="")
        return 0
    if given.get("version"):
        print(version_line(PROGRAM))
        return 0
    from pynats_top.running import run as run_top

    return run_top(_options(given), _target(given))


def usage() -> str:
    """The help."""
    rows = [(f"-{name} {value}".strip(), help) for name, _, _, value, help in FLAGS if help]
    width = max(len(row[0]) for row in rows)
    return _USAGE + "\n" + "".join(f"  {left:<{width}}  {help}\n" for left, help in rows) + EXAMPLES


def _read(arguments: Sequence[str]) -> dict[str, Any]:
    kinds: dict[str, Kind] = {name: kind for name, _, kind, _, _ in FLAGS}
    targets = {name: target for name, target, _, _, _ in FLAGS}
    try:
        given, rest = read_flags(kinds, arguments)
    except FlagError as error:
        near = did_you_mean(error.unknown, list(kinds), "") if error.unknown else ""
        raise CliError(f"{error}{near}: see {PROGRAM} -h") from None
    if rest:
        raise CliError(f"unexpected argument {rest[0]!r}: see {PROGRAM} -h")
    return {targets[name]: value for name, value in given}


def _options(given: Mapping[str, Any]) -> TopOptions:
    from pynats_top.command import seconds
    from pynats_top.options import FORMS, LIMIT, VIEWS, TopOptions

    form, view = given.get("form", "text"), given.get("view", "connections")
    for flag, value, choices in (("format", form, FORMS), ("view", view, VIEWS)):
        if value not in choices:
            raise CliError(f"-{flag}: must be one of {', '.join(choices)}, got {value!r}")
    numbers: dict[str, float] = {}
    for flag, name in (("d", "interval"), ("speed", "speed")):
        try:
            numbers[name] = seconds(given.get(name, "1"))
        except ValueError as error:
            raise CliError(f"-{flag}: {error}") from None
    return TopOptions(
        interval_s=numbers["interval"],
        limit=given.get("conns", LIMIT),
        sort=given.get("sort", "cid"),
        subscriptions=given.get("subs", False),
        lookup=given.get("lookup", False),
        raw=given.get("raw", False),
        refreshes=given.get("max_refresh", -1),
        output=given.get("output", ""),
        delimiter=given.get("delimiter", ""),
        once=given.get("once", False) or "form" in given,
        form=form,
        view=view,
        record=given.get("record", ""),
        replay=given.get("replay", ""),
        speed=numbers["speed"],
    )


def _target(given: Mapping[str, Any]) -> Target:
    from pynats_top.addresses import HTTP_PORT, monitoring_url, split_addresses
    from pynats_top.running import Target

    if given.get("replay"):
        return Target()
    if given.get("context"):
        from pynats_cli.global_options import GlobalOptions

        if "server" in given:
            raise CliError("-context names the servers: leave -s out")
        return Target(system=GlobalOptions(context=given["context"]))
    secure = given.get("secure_port", 0) != 0
    port = given["secure_port"] if secure else given.get("port", HTTP_PORT)
    if not 0 < port <= 65_535:
        raise CliError(f"invalid monitoring port {port}")
    hosts = split_addresses([given.get("server", "127.0.0.1")])
    if not hosts:
        raise CliError("invalid monitoring endpoint: -s is empty")
    return Target([monitoring_url(host, port, secure) for host in hosts], tls=_tls(given))


def _tls(given: Mapping[str, Any]) -> ssl.SSLContext | None:
    from pynats_common.network.tls import ClientTls, TlsError

    files = ClientTls(given.get("cert", ""), given.get("key", ""), given.get("ca", ""))
    if not files and not given.get("insecure"):
        return None
    try:
        context = files.context()
    except TlsError as error:
        raise CliError(str(error)) from None
    if given.get("insecure"):
        import ssl

        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
