"""Options of every check: the form of the result, and where it goes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from pynats_common.commandline.declare import opt
from pynats_common.commandline.kinds import Choice, Kind

FORMATS = ("nagios", "json", "prometheus", "text")
NAMESPACE = "nats_server_check"


@dataclass(kw_only=True)
class CheckOptions:
    """How the result is shown."""

    format: Annotated[
        str, opt("--format", help="Form of the result", kind=Choice(*FORMATS), panel="Output")
    ] = "nagios"
    namespace: Annotated[
        str, opt("--namespace", help="Prefix of the names for Prometheus", panel="Output")
    ] = NAMESPACE
    outfile: Annotated[
        str,
        opt("--outfile", placeholder="FILE", help="Write the result to a file", panel="Output"),
    ] = ""


def _off(text: str) -> int | None:
    """A threshold; negative means none."""
    try:
        number = int(text)
    except ValueError:
        raise ValueError(f"must be a number, got {text!r}") from None
    return number if number >= 0 else None


THRESHOLD = Kind("N", _off)
"""A number of 0 or more, or a negative one (None) to check nothing."""
