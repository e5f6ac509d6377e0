"""`pynats server ping`: how soon every server answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from pynats_common.commandline.declare import arg, opt
from pynats_common.commandline.kinds import UNSIGNED
from pynats_common.go.durations import format_duration_ns, nanoseconds

from pynats_cli.commands.server.running import say_missing
from pynats_cli.connect.session import Session
from pynats_cli.errors import CliError
from pynats_cli.flags import Shown
from pynats_cli.screen.output import line, show
from pynats_cli.servers.system.requests import NO_RESULTS, Answer, scatter

_MS = 1_000_000
_STEP_MS = 25
_BAR = 50


@dataclass(kw_only=True)
class PingOptions(Shown):
    """Flags of `server ping`."""

    expect: Annotated[int, arg("How many servers to expect", UNSIGNED)] = 0
    graph: Annotated[bool, opt("--graph", help="Draw when the answers came")] = False
    id: Annotated[bool, opt("--id", help="Show the ids of servers")] = False


async def ping(session: Session, chosen: PingOptions) -> int:
    """Ping all servers; exit code 1 when fewer answer than expected."""

    def seen(answer: Answer) -> None:
        if chosen.form == "table":
            line(_line(answer, chosen.id))

    answers = await scatter(session, "$SYS.REQ.SERVER.PING", {}, expect=chosen.expect, seen=seen)
    if not answers:
        raise CliError(NO_RESULTS)
    times = [nanoseconds(answer.after_s) for answer in answers]
    show(chosen, [_row(answer) for answer in answers], lambda: _summary(times, chosen.graph))
    return int(say_missing(chosen.expect, len(answers)))


def _row(answer: Answer) -> dict[str, Any]:
    return {"server": answer.server, "rtt": nanoseconds(answer.after_s)}


def _line(answer: Answer, with_id: bool) -> str:
    name = str(answer.server.get("name") or "")
    before = f"{answer.server.get('id')} " if with_id else ""
    return f"{before}{name:<60} rtt={format_duration_ns(nanoseconds(answer.after_s))}"


def _summary(times: Sequence[int], graph: bool) -> str:
    most, least, mean = max(times), min(times), sum(times) / len(times)
    text = (
        f"\n---- ping statistics ----\n{len(times)} replies max: {most / _MS:.2f} "
        f"min: {least / _MS:.2f} avg: {mean / _MS:.2f}"
    )
    return f"{text}\n\n{_distribution(times)}" if graph else text


def _distribution(times: Sequence[int]) -> str:
    """How many answers came in each step of time."""
    counts = [0] * (max(times) // (_STEP_MS * _MS) + 1)
    for each in times:
        counts[each // (_STEP_MS * _MS)] += 1
    most, width = max(counts), len(str(len(counts) * _STEP_MS))
    rows = [f"Responses per {_STEP_MS}ms", ""]
    for step, count in enumerate(counts):
        bar = "█" * (-(-count * _BAR // most))
        rows.append(f"  {(step + 1) * _STEP_MS:>{width}}ms: {bar} ({count})")
    return "\n".join(rows)
