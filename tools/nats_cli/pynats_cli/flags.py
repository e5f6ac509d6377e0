"""Flags that several commands share: mixins for their options classes, and single flags."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Literal

from pynats_common.commandline.declare import opt
from pynats_common.commandline.kinds import Choice

SendOn = Literal["newline", "eof"]
"""When data from standard input is sent."""
FORMS = ("table", "json", "jsonl", "csv", "yaml")

Header = Annotated[
    list[str], opt("--header", "-H", placeholder="K:V", help="Add a header; may be repeated")
]
Exact = Annotated[bool, opt("--exact", help="Show only bodies, byte by byte: no newline is added")]
Translate = Annotated[
    str, opt("--translate", placeholder="COMMAND", help="Show bodies through this command")
]


@dataclass(kw_only=True)
class Shown:
    """Options of a command that shows data, read by `screen.output.show`."""

    json: Annotated[bool, opt("--json", "-j", help="Print JSON", panel="Output")] = False
    output: Annotated[
        str,
        opt("--output", help="Form of what is shown", kind=Choice(*FORMS), panel="Output"),
    ] = "table"

    @property
    def form(self) -> str:
        """One of `FORMS`."""
        return "json" if self.json else self.output

    @property
    def structured(self) -> bool:
        """True when data is shown, and no text for people."""
        return self.form != "table"


@dataclass(kw_only=True)
class NamesOnly:
    """Option of a list."""

    names: Annotated[bool, opt("--names", "-n", help="Show only names", panel="Output")] = False


@dataclass(kw_only=True)
class Force:
    """Options of a command that asks before it acts."""

    force: Annotated[bool, opt("--force", "-f", help="Act without asking")] = False


@dataclass(kw_only=True)
class Input:
    """Where the body of a message comes from, and what is done with it."""

    force_stdin: Annotated[bool, opt("--force-stdin", help="Always read standard input")] = False
    send_on: Annotated[
        SendOn,
        opt("--send-on", help="When to send standard input: at its end or per line",
            kind=Choice("newline", "eof")),
    ] = "eof"  # fmt: skip
    templates: Annotated[
        bool, opt("--templates/--no-templates", help="Use templates in body and subject")
    ] = True
    allow_wildcards: Annotated[
        bool, opt("--allow-wildcards", help="Send to a subject with wildcards, as it is written")
    ] = False


@dataclass(kw_only=True)
class WithHeaders:
    """Headers to send."""

    header: Header = field(default_factory=list)


TEMPLATE_HELP = """

Body, subject and header values may use templates:

  Count            number of the message
  TimeStamp        present time, RFC3339
  Unix, UnixNano   seconds, nanoseconds since 1970
  Time             time of day, 3:04PM
  ID               a unique identifier
  Random MIN MAX   random letters and digits
"""
