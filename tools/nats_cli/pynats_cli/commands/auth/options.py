"""Flags that several commands of `auth` have."""

from __future__ import annotations

from typing import Annotated

from pynats_common.commandline.declare import opt
from pynats_common.records import dataclass


@dataclass(kw_only=True)
class OperatorOption:
    """The operator whose store is meant."""

    operator: Annotated[str, opt("--operator", help="Operator that has the account")] = ""


@dataclass(kw_only=True)
class Names:
    """Lists that can show names only."""

    names: Annotated[bool, opt("--names", help="Show names only")] = False
