"""Arguments and flags that the commands of consumers share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from pynats_common.commandline.declare import arg, opt


@dataclass(kw_only=True)
class GroupOptions:
    """What may stand before a command's name."""

    all: Annotated[bool, opt("--all", "-a", help="Operate on all streams, also the system's")] = (
        False
    )


@dataclass(kw_only=True)
class OneStream(GroupOptions):
    """A stream; picked from a menu when it is not given."""

    stream: Annotated[str, arg("The stream")] = ""


@dataclass(kw_only=True)
class OneConsumer(GroupOptions):
    """A stream and a consumer; picked from menus when they are not given."""

    stream: Annotated[str, arg("The consumer's stream")] = ""
    consumer: Annotated[str, arg("The consumer")] = ""


@dataclass(kw_only=True)
class NoSelect:
    """Commands that show something can be told not to ask."""

    no_select: Annotated[bool, opt("--no-select", help="Never pick from a list")] = False
