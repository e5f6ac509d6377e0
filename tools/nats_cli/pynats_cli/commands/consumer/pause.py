"""`consumer pause` and `consumer resume`."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Annotated

from pynats_common.commandline.declare import arg
from pynats_common.go.durations import SECOND_NS, format_duration_ns
from pynats_common.go.times import format_time_ns

from pynats_cli.commands.consumer.choosing import chosen, label
from pynats_cli.commands.consumer.options import OneConsumer
from pynats_cli.connect.session import Session
from pynats_cli.errors import CliError
from pynats_cli.flags import Force
from pynats_cli.jetstream.consumers.policies import pause_deadline_ns
from pynats_cli.jetstream.consumers.requests import pause as pause_consumer
from pynats_cli.screen.ask import ask, sure
from pynats_cli.screen.human import local_time
from pynats_cli.screen.output import line

_LEVEL = 1
_HOUR_NS = 3_600 * SECOND_NS


@dataclass(kw_only=True)
class PauseOptions(OneConsumer, Force):
    """Which consumer, and until when."""

    stream: Annotated[str, arg("The consumer's stream")] = ""
    consumer: Annotated[str, arg("The consumer")] = ""
    until: Annotated[str, arg("A duration, or a time as in '2030-01-31 08:00:00'")] = ""


@dataclass(kw_only=True)
class ResumeOptions(OneConsumer, Force):
    """Which consumer."""


async def pause(session: Session, options: PauseOptions) -> None:
    """Stop deliveries of a consumer until a time."""
    stream, consumer, _ = await chosen(session, options, select=not options.force)
    until = options.until or _ask_until()
    deadline_ns = pause_deadline_ns(until, time.time_ns())
    deadline = format_time_ns(deadline_ns)
    name = label(stream, consumer)
    question = f"Really pause Consumer {name} until {local_time(deadline)}"
    if not sure(options.force, question, "not paused"):
        return
    await session.js.require_level(_LEVEL, "pausing consumers needs NATS Server 2.11 or newer")
    answer = await pause_consumer(session, stream, consumer, deadline)
    if not answer.get("paused"):
        raise CliError("pause request failed, perhaps due to a time in the past")
    remaining_ns = _whole_seconds(int(answer.get("pause_remaining", 0)))
    until = local_time(answer.get("pause_until", deadline))
    line(f"Paused {name} until {until} ({format_duration_ns(remaining_ns)})")


def _ask_until() -> str:
    return ask(
        "Pause until (time or duration)",
        local_time(format_time_ns(time.time_ns() + _HOUR_NS)),
        check=lambda text: pause_deadline_ns(text, 0),
        missing="the time until when to pause",
    )


def _whole_seconds(duration_ns: int) -> int:
    return (duration_ns + SECOND_NS // 2) // SECOND_NS * SECOND_NS


async def resume(session: Session, options: ResumeOptions) -> None:
    """Let a paused consumer deliver again."""
    stream, consumer, info = await chosen(session, options, select=not options.force)
    if not info.get("paused"):
        raise CliError("consumer is not paused")
    name = label(stream, consumer)
    if not sure(options.force, f"Really resume Consumer {name}", "not resumed"):
        return
    await session.js.require_level(_LEVEL, "pausing consumers needs NATS Server 2.11 or newer")
    answer = await pause_consumer(session, stream, consumer, "")
    if answer.get("paused"):
        raise CliError("resume request failed")
    before = local_time(info["config"].get("pause_until"))
    line(f"Consumer {name} was resumed while previously paused until {before}")
