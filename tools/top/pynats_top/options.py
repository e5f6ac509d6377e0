"""What `pynats top` and `pynats-top` are asked for, whichever way it was written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from pynats_cli.errors import CliError

from pynats_top.collect.source import PARTS, SERVERS, SORTS

LIMIT: Final = 1024
ALL: Final = "all"
VIEWS: Final = (*PARTS, SERVERS, ALL)
FORMS: Final = ("text", "csv", "json")


@dataclass(kw_only=True)
class TopOptions:
    """See the help of the commands. Raises CliError for what cannot be."""

    interval_s: float = 1.0
    limit: int = LIMIT
    sort: str = "cid"
    subscriptions: bool = False
    lookup: bool = False
    raw: bool = False
    refreshes: int = -1  # polls to show before the end; 0 or less for no end
    output: str = ""  # a file, or - for standard output
    delimiter: str = ""
    once: bool = False
    form: str = "text"  # of `once`
    view: str = "connections"  # what `once` shows, and which tab a screen begins with
    record: str = ""  # file to write every poll to
    replay: str = ""
    speed: float = 1.0  # of a replay

    def __post_init__(self) -> None:
        if self.sort not in SORTS:
            raise CliError(f"invalid option to sort by: {self.sort}: one of {', '.join(SORTS)}")
        if self.limit < 1:
            raise CliError(f"invalid number of connections {self.limit}: at least 1")
        if not 0.05 <= self.interval_s <= 86_400:
            raise CliError(f"invalid interval of {self.interval_s:g}s: from 0.05s to 24h")
        if not 0 <= self.speed <= 1_000_000:
            raise CliError(f"invalid speed {self.speed:g}: 0 or more")

    @property
    def parts(self) -> frozenset[str]:
        """What has to be asked for the view."""
        if self.view == ALL:
            return frozenset(PARTS)
        return frozenset(() if self.view == SERVERS else (self.view,))
