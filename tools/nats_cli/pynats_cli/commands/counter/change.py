"""`counter increment` and `counter decrement`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from pynats_common.commandline.declare import arg

from pynats_cli.commands.counter.stream import counter_stream
from pynats_cli.connect.session import Session
from pynats_cli.errors import CliError
from pynats_cli.jetstream.acks import js_publish
from pynats_cli.jetstream.counters import INCREMENT, check_subject, negative, whole_number
from pynats_cli.jetstream.counters import increment as incremented
from pynats_cli.screen.output import line


@dataclass(kw_only=True)
class ChangeOptions:
    """Which counter, and by how much."""

    subject: Annotated[str, arg("The counter's subject")]
    value: Annotated[str, arg("A whole number of any size; a negative one after --")]


async def increment(session: Session, options: ChangeOptions) -> None:
    """Add to a counter and show its new value."""
    await _change(session, options.subject, whole_number(options.value))


async def decrement(session: Session, options: ChangeOptions) -> None:
    """Take from a counter and show its new value."""
    await _change(session, options.subject, negative(whole_number(options.value)))


async def _change(session: Session, subject: str, number: str) -> None:
    await counter_stream(session, "", check_subject(subject))
    ack = await js_publish(session, subject, b"", [(INCREMENT, incremented(number))])
    if not ack.value:
        raise CliError("the server stored a message but told no value")
    line(ack.value)
