"""`pynats rtt`: round-trip time to every address of every server."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Any

from pynats_common.commandline.declare import arg
from pynats_common.contexts import Context
from pynats_common.go.durations import human_duration_ns, nanoseconds
from pynats_common.network.urls import ServerUrl, parse_server_urls

from pynats_cli.errors import CliError, UsageError
from pynats_cli.flags import Shown
from pynats_cli.global_options import GlobalOptions
from pynats_cli.screen.output import line, log, show


@dataclass
class AddressResult:
    """One address; `rtt_ns` is the mean, 0 after a failure."""

    address: str
    time: datetime | None = None
    rtt_ns: int = 0
    url: str = ""

    def to_json(self) -> dict[str, Any]:
        moment = self.time.isoformat() if self.time else "0001-01-01T00:00:00+00:00"
        moment = moment.replace("+00:00", "Z")
        return {"time": moment, "address": self.address, "rtt": self.rtt_ns, "url": self.url}


@dataclass
class Target:
    """One server of the list and its addresses."""

    url: ServerUrl
    results: list[AddressResult] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        return {"url": self.url.bare, "results": [result.to_json() for result in self.results]}


@dataclass(kw_only=True)
class RttOptions(Shown):
    """Flags of `rtt`."""

    iterations: Annotated[int, arg("Round trips to each address")] = 5


async def rtt(options: GlobalOptions, chosen: RttOptions) -> None:
    """Measure the round-trip time to every address of every server."""
    from pynats_cli.connect.opening import refuse_unusable
    from pynats_cli.connect.settings import resolve_settings

    if chosen.iterations < 1:
        raise UsageError("iterations must be at least 1")
    context = resolve_settings(options)
    refuse_unusable(context)
    try:
        urls = parse_server_urls(context.server_url)
    except ValueError as error:
        raise CliError(str(error)) from None
    targets = [await _resolve(url) for url in urls]
    for target in targets:
        for result in target.results:
            result.time = datetime.now().astimezone()
            try:
                await _measure_address(options, context, target, result, chosen.iterations)
            except CliError as error:
                reason = str(error).removesuffix(f" (tried {result.address})")
                log(f"Failed to compute rtt for {result.address}: {reason}")
    show(chosen, [target.to_json() for target in targets], lambda: render(targets))
    if not any(result.rtt_ns for target in targets for result in target.results):
        tried = ", ".join(target.url.bare for target in targets)
        raise CliError(f"no server could be reached (tried {tried})")


async def _resolve(url: ServerUrl) -> Target:
    """All addresses of a server's name; the name itself if the look-up fails."""
    hosts = [url.host]
    if not _is_ip(url.host):
        loop = asyncio.get_running_loop()
        try:
            found = await loop.getaddrinfo(url.host, url.port, type=socket.SOCK_STREAM)
            hosts = list(dict.fromkeys(str(item[4][0]) for item in found)) or hosts
        except (OSError, UnicodeError):
            pass  # connecting will report the error
    return Target(url, [AddressResult(url.with_host(host).bare) for host in hosts])


def _is_ip(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


async def _measure_address(
    options: GlobalOptions, context: Context, target: Target, result: AddressResult, iterations: int
) -> None:
    from pynats_cli.connect.opening import open_session
    from pynats_cli.connect.session import connected_to

    address = parse_server_urls(result.address)[0]
    server = target.url.with_host(address.host).full
    # We connect to IP addresses, so certificates must be checked for the server's name.
    async with open_session(options, server, context, tls_name=target.url.host) as session:
        if options.trace:
            line(f"RTT iterations for server: {result.address}")
        times = []
        for number in range(1, iterations + 1):
            seconds = await session.client.rtt(timeout=options.timeout_s)
            times.append(nanoseconds(seconds))
            if options.trace:
                line(f"#{number}:\trtt={human_duration_ns(times[-1])}")
        result.rtt_ns = max(sum(times) // iterations, 1)
        result.url = connected_to(session.client)


def render(targets: Sequence[Target]) -> str:
    """Text: each server, then its addresses aligned at their colons."""
    width = 3 + max(len(result.address) for target in targets for result in target.results)
    blocks = []
    for target in targets:
        rows = [
            f"{result.address.rjust(width)}: "
            f"{human_duration_ns(result.rtt_ns) if result.rtt_ns else 'failed'}"
            for result in target.results
        ]
        blocks.append(f"{target.url.bare}:\n\n" + "\n".join(rows) + "\n")
    return "\n".join(blocks)
