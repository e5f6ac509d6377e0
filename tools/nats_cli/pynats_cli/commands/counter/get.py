"""`counter get` and `counter view`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from pynats_common.commandline.declare import arg

from pynats_cli.commands.counter.stream import StreamFlag, load_counter
from pynats_cli.connect.session import Session
from pynats_cli.flags import Shown
from pynats_cli.jetstream.counters import Counter, grouped
from pynats_cli.screen.columns import Columns
from pynats_cli.screen.output import line, show


@dataclass(kw_only=True)
class GetOptions(Shown):
    """Which counter."""

    subject: Annotated[str, arg("The counter's subject")]
    stream: StreamFlag = ""


async def get(session: Session, options: GetOptions) -> None:
    """Show a counter's value and nothing else."""
    counter = await load_counter(session, options.stream, options.subject)
    show(options, _document(counter), lambda: counter.value)


async def view(session: Session, options: GetOptions) -> None:
    """Show a counter's value, its last increment and its sources."""
    counter = await load_counter(session, options.stream, options.subject)
    show(options, _document(counter), lambda: counter_screen(counter).render())
    if options.form == "table" and not counter.sources:
        line("\n No source information found")


def _document(counter: Counter) -> dict[str, Any]:
    """Values are texts, as in the message: JSON's readers lose digits of large numbers."""
    return {
        "subject": counter.subject,
        "val": counter.value,
        "incr": counter.increment,
        "sources": counter.sources,
    }


def counter_screen(counter: Counter) -> Columns:
    """All that is known of a counter."""
    screen = Columns(f"Counter {counter.subject}")
    screen.add("Value", grouped(counter.value))
    screen.add_if("Increment", counter.increment.lstrip("+"))
    screen.add("Subject", counter.subject)
    if counter.sources:
        screen.section("Sources")
        for stream, subjects in sorted(counter.sources.items()):
            for subject, value in sorted(subjects.items()):
                screen.add(stream, f"{subject}: {value}")
    return screen
