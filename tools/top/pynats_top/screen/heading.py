"""The words of the head, as the original writes them."""

from __future__ import annotations

from pynats_cli.screen.visible import visible

from pynats_top.collect.poller import Poller
from pynats_top.model.rates import Traffic
from pynats_top.model.sizes import count_text, size_text
from pynats_top.screen.head import HeadLine

_SPARK = 60


def heading(poller: Poller, place: str, raw: bool, compact: bool) -> list[HeadLine]:
    """What stands above the table. `place`: which of several servers this is; a compact one has
    no line for the ID."""
    if poller.snapshot is None:
        first = f"NATS server {visible(poller.label)}"
        return [HeadLine(first, visible(poller.error) or "...")]
    server = poller.snapshot.server
    version, uptime = visible(server.version), visible(server.uptime)
    lines = [
        HeadLine(f"NATS server version {version} (uptime: {uptime})", visible(poller.error)),
        HeadLine(f"Server: {visible(server.title)}{place}"),
        HeadLine(f"  ID:   {visible(server.id)}"),
        HeadLine(f"  Load: CPU: {server.cpu:4.1f}%  Memory: {size_text(server.memory)}"
                 f"  Slow Consumers: {server.slow_consumers}"),
        HeadLine(_flow("In", server.traffic, raw), rates=_rates(poller, "in_msgs")),
        HeadLine(_flow("Out", server.traffic, raw), rates=_rates(poller, "out_msgs")),
    ]  # fmt: skip
    if compact:
        del lines[2]
    return lines


def _rates(poller: Poller, series: str) -> tuple[float, ...]:
    return tuple(poller.history.last(series, _SPARK))


def _flow(name: str, traffic: Traffic, raw: bool) -> str:
    if name == "In":
        figures = traffic.in_msgs, traffic.in_bytes, traffic.in_msgs_rate, traffic.in_bytes_rate
    else:
        figures = (traffic.out_msgs, traffic.out_bytes, traffic.out_msgs_rate,
                   traffic.out_bytes_rate)  # fmt: skip
    messages, size, messages_rate, size_rate = figures
    return (f"  {name + ':':<6}Msgs: {count_text(messages, raw)}  Bytes: {size_text(size, raw)}"
            f"  Msgs/Sec: {messages_rate:.1f}  Bytes/Sec: {size_text(size_rate, raw)}")  # fmt: skip
