"""`pynats server report cpu|mem`: one bar for each server."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from pynats_cli.commands.server.options import ReportOptions
from pynats_cli.commands.server.running import Report, answers_for, run_report
from pynats_cli.global_options import GlobalOptions
from pynats_cli.screen.human import bytes_text, number
from pynats_cli.servers.system.sources import Source

_WIDTH = 30


@dataclass(kw_only=True)
class UsageOptions(ReportOptions):
    """Flags of `server report cpu` and `mem`."""


async def cpu(options: GlobalOptions, chosen: UsageOptions) -> None:
    """Report the CPU of the servers, in percent."""
    await _usage(options, chosen, "CPU Usage", "cpu", number)


async def mem(options: GlobalOptions, chosen: UsageOptions) -> None:
    """Report the memory of the servers."""
    await _usage(options, chosen, "Memory Usage", "mem", lambda value: bytes_text(int(value)))


async def _usage(
    options: GlobalOptions,
    chosen: UsageOptions,
    title: str,
    name: str,
    shown: Callable[[float], str],
) -> None:
    async def make(source: Source) -> Report:
        documents = await answers_for(source, chosen, "VARZ", {})
        usage = {
            str(document["server"].get("name")): document["data"].get(name) or 0
            for document in documents
        }
        usage = dict(sorted(usage.items(), key=lambda item: item[1], reverse=chosen.reverse))
        return Report(usage, lambda: bars(title, usage, shown))

    await run_report(options, chosen, make)


def bars(title: str, values: dict[str, float], shown: Callable[[float], str]) -> str:
    """A bar for each value, the longest for the largest."""
    width, most = max(map(len, values), default=0), max(values.values(), default=0)
    lines = [title, ""]
    for name, value in values.items():
        bar = "█" * round(value * _WIDTH / most) if most else ""
        lines.append(f"  {name:>{width}}: {bar or '▏'} ({shown(value)})")
    return "\n".join(lines)
