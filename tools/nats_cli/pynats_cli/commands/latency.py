"""`pynats latency`: how long messages take from one server to another."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from pynats_common.commandline.declare import opt
from pynats_common.commandline.kinds import DURATION, UNSIGNED, in_range
from pynats_common.go.durations import SECOND_NS, format_duration_ns, nanoseconds

from pynats_cli.errors import CliError
from pynats_cli.global_options import GlobalOptions
from pynats_cli.messages.measure import percentiles
from pynats_cli.screen.output import log

if TYPE_CHECKING:
    from pynats_cli.connect.session import Session
    from pynats_cli.messages.measure.flight import Flight

_RULER = "=" * 30
_MOST_MESSAGES = 10_000_000
_STAMP_BYTES = 8
_ROUND_TRIPS = 5


@dataclass(kw_only=True)
class LatencyOptions:
    """Flags of `latency`; the duration in nanoseconds."""

    server_b: Annotated[
        str, opt("--server-b", placeholder="URL", help="The second server, which receives")
    ]
    size: Annotated[int, opt("--size", help="Bytes of a message")] = 8
    rate: Annotated[int, opt("--rate", help="Messages a second", kind=in_range(UNSIGNED, 1))] = (
        1_000
    )
    duration: Annotated[int, opt("--duration", kind=DURATION, help="How long to send")] = (
        5 * SECOND_NS
    )
    histogram: Annotated[
        str, opt("--histogram", placeholder="FILE",
                 help="Write the times to FILE.raw, their distribution to FILE.histogram")
    ] = ""  # fmt: skip


async def latency(global_options: GlobalOptions, options: LatencyOptions) -> None:
    """Measure how long messages take from the server of --server to that of --server-b."""
    if options.size < _STAMP_BYTES:
        raise CliError(f"message Payload Size must be at least {_STAMP_BYTES} bytes")
    if options.duration <= 0:
        raise CliError("--duration must be greater than 0")
    if options.rate * options.duration > _MOST_MESSAGES * SECOND_NS:
        raise CliError(f"too many messages: at most {_MOST_MESSAGES:,} can be measured")
    from pynats_cli.connect.opening import open_session
    from pynats_cli.messages.measure.flight import Flight

    flight = Flight(options.size, options.rate, options.duration / SECOND_NS)
    async with open_session(global_options) as sender:
        try:
            async with open_session(global_options, options.server_b) as receiver:
                for text in await _plan(sender, receiver, options):
                    log(text)
                await flight.fly(sender, receiver)
        except CliError as error:
            if not flight.began_ns:
                raise CliError(f"second connection failed: {error}") from None
            raise
    for text in _outcome(flight):
        log(text)
    if options.histogram:
        _save(flight, options.histogram)


async def _plan(sender: Session, receiver: Session, options: LatencyOptions) -> list[str]:
    trips = []
    for session in (sender, receiver):
        times = [
            await session.client.rtt(timeout=session.options.timeout_s) for _ in range(_ROUND_TRIPS)
        ]
        trips.append(_micro(nanoseconds(min(times))))
    return [
        _RULER,
        f"Pub Server RTT : {trips[0]}",
        f"Sub Server RTT : {trips[1]}",
        f"Message Payload: {_amount(options.size)}B".replace("BB", "B"),
        f"Target Duration: {format_duration_ns(options.duration)}",
        f"Target Msgs/Sec: {options.rate}",
        f"Target Band/Sec: {_amount(options.rate * options.size * 2)}",
        _RULER,
    ]


def _outcome(flight: Flight) -> Iterator[str]:
    ordered = sorted(flight.latencies)
    yield "HDR Percentiles:"
    for percentile in percentiles.SHOWN:
        yield f"{f'{percentile}:':<10}{_micro(percentiles.at(ordered, percentile))}"
    seconds = flight.last_sent_ns / SECOND_NS or flight.seconds
    rate = int(flight.sent / max(seconds, flight.seconds))
    yield _RULER
    yield f"Actual Msgs/Sec: {rate}"
    yield f"Actual Band/Sec: {_amount(rate * flight.size * 2)}"
    yield f"Minimum Latency: {_micro(ordered[0])}"
    yield f"Median Latency : {_micro(percentiles.at(ordered, 50))}"
    yield f"Maximum Latency: {_micro(ordered[-1])}"
    yield f"1st Sent Wall Time : {_micro(flight.first_sent_ns)}"
    yield f"Last Sent Wall Time: {_micro(flight.last_sent_ns)}"
    yield f"Last Recv Wall Time: {_micro(flight.last_received_ns)}"


def _micro(ns: int) -> str:
    return format_duration_ns(ns // 1_000 * 1_000)


def _amount(number: int) -> str:
    """`3.1K`: two digits are enough."""
    value, unit = float(number), ""
    for unit in ("B", "K", "M", "G", "T"):
        if value < 1_024 or unit == "T":
            break
        value /= 1_024
    return f"{value:.1f}{unit}" if value < 10 and unit != "B" else f"{value:.0f}{unit}"


def _save(flight: Flight, name: str) -> None:
    for suffix, text in (
        ("raw", percentiles.raw_text(flight.latencies)),
        ("histogram", percentiles.histogram_text(sorted(flight.latencies))),
    ):
        path = Path(f"{name}.{suffix}")
        try:
            path.write_text(text)
        except OSError as error:
            raise CliError(f"{path}: {error.strerror}") from None
