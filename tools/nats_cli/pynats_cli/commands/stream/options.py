"""Flags that all commands of the group share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from pynats_common.commandline.declare import opt


@dataclass(kw_only=True)
class StreamGroup:
    """Flags before or after the command's name."""

    all: Annotated[
        bool, opt("--all", "-a", help="Also the streams behind buckets and MQTT sessions")
    ] = False
