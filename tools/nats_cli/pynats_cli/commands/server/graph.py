"""`pynats server graph`: line graphs of one server's statistics."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any

from pynats_common.commandline.declare import arg, opt
from pynats_common.go.times import parse_instant_ns

from pynats_cli.errors import CliError
from pynats_cli.screen import human
from pynats_cli.screen.graph import Series, rate, require_terminal, run
from pynats_cli.servers.system import requests
from pynats_cli.servers.watching.servers import figure

if TYPE_CHECKING:
    from pynats_cli.connect.session import Session


@dataclass(kw_only=True)
class GraphOptions:
    server: Annotated[str, arg("Name or id of the server")]
    jetstream: Annotated[bool, opt("--jetstream", "-j", help="Draw JetStream's figures")] = False


async def graph(session: Session, options: GraphOptions) -> None:
    """Draws until Ctrl-C."""
    require_terminal()
    first = await _varz(session, options.server)
    if options.jetstream and not (first.get("jetstream") or {}).get("config"):
        raise CliError(f'JetStream is not enabled on server "{options.server}"')
    rates = Rates()

    async def sample() -> Sequence[float]:
        varz = await _varz(session, options.server)
        return (jetstream_figures if options.jetstream else server_figures)(varz, rates)

    kind = "JetStream Statistics" if options.jetstream else "Server Statistics"
    title = f"{kind} for {first.get('server_name', options.server)}"
    await run(title, jetstream_series() if options.jetstream else server_series(), sample)


async def _varz(session: Session, server: str) -> dict[str, Any]:
    return requests.data_of(await requests.ask_one(session, server, "VARZ"))


@dataclass
class Rates:
    """Growth per second of figures that only grow, from one look to the next."""

    before: dict[str, tuple[int, float]] = field(default_factory=dict)

    def of(self, name: str, now_ns: int, total: float) -> float:
        """0 at the first look, and after a restart."""
        then_ns, before = self.before.get(name, (now_ns, total))
        self.before[name] = (now_ns, total)
        passed = now_ns - then_ns
        return max(total - before, 0) * 1e9 / passed if passed > 0 else 0.0


def _bytes(value: float) -> str:
    return human.bytes_text(int(value))


def _whole(value: float) -> str:
    return human.thousands(round(value))


def server_series() -> list[Series]:
    """The charts of a server, as `server_figures` gives their figures."""
    return [
        Series("CPU % Used", rate),
        Series("Memory Used", _bytes),
        Series("Connections", _whole),
        Series("Subscriptions", _whole),
        Series("Messages In+Out / second", rate),
        Series("Bytes In+Out / second", _bytes),
    ]


def server_figures(varz: dict[str, Any], rates: Rates) -> list[float]:
    """A server's figures in the order of its charts; the last two are of a second."""
    now_ns = parse_instant_ns(str(varz["now"]))
    cores = max(figure("cores")(varz), 1)
    messages = figure("in_msgs")(varz) + figure("out_msgs")(varz)
    size = figure("in_bytes")(varz) + figure("out_bytes")(varz)
    return [
        figure("cpu")(varz) / cores,
        figure("mem")(varz),
        figure("connections")(varz),
        figure("subscriptions")(varz),
        rates.of("messages", now_ns, messages),
        rates.of("bytes", now_ns, size),
    ]


def jetstream_series() -> list[Series]:
    """The charts of JetStream, as `jetstream_figures` gives their figures."""
    return [
        Series("HA Assets", _whole),
        Series("API Requests / second", rate),
        Series("Pending API Requests", _whole),
        Series("File Storage", _bytes),
        Series("Memory Storage", _bytes),
    ]


def jetstream_figures(varz: dict[str, Any], rates: Rates) -> list[float]:
    """JetStream's figures in the order of its charts; requests are of a second, storage bytes."""
    now_ns = parse_instant_ns(str(varz["now"]))
    requested = figure("jetstream", "stats", "api", "total")(varz)
    return [
        figure("jetstream", "stats", "ha_assets")(varz),
        rates.of("requests", now_ns, requested),
        figure("jetstream", "meta", "pending")(varz),
        figure("jetstream", "stats", "storage")(varz),
        figure("jetstream", "stats", "memory")(varz),
    ]
