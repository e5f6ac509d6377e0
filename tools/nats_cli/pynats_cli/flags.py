"""Flag types that several commands share."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any

import typer
from pynats_common.go.durations import parse_long_duration_ns


class SendOn(StrEnum):
    """When data from standard input is sent."""

    EOF = "eof"
    NEWLINE = "newline"


def duration(text: str | int) -> int:
    """Nanoseconds of a flag's text. Raises the parser's usage error."""
    if isinstance(text, int):
        return text
    try:
        return parse_long_duration_ns(text)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None


def duration_option(*names: str, help: str) -> Any:
    """A flag that takes a duration and gives nanoseconds."""
    return typer.Option(*names, parser=duration, metavar="DURATION", help=help)


HeaderFlag = Annotated[
    list[str],
    typer.Option("--header", "-H", metavar="K:V", help="Add a header; may be repeated."),
]
ForceStdin = Annotated[bool, typer.Option("--force-stdin", help="Always read standard input.")]
SendOnFlag = Annotated[
    SendOn, typer.Option("--send-on", help="When to send standard input: at its end or per line.")
]
TemplatesFlag = Annotated[
    bool,
    typer.Option("--templates/--no-templates", help="Use templates in body and subject."),
]
TranslateFlag = Annotated[
    str, typer.Option("--translate", metavar="COMMAND", help="Show bodies through this command.")
]
TEMPLATE_HELP = """

\b
Body, subject and header values may use templates:
  Count            number of the message
  TimeStamp        present time, RFC3339
  Unix, UnixNano   seconds, nanoseconds since 1970
  Time             time of day, 3:04PM
  ID               a unique identifier
  Random MIN MAX   random letters and digits
"""
