"""What `pynats top` and `pynats-top` are asked for, whichever way it was written."""

from __future__ import annotations

from dataclasses import dataclass, field

LIMIT = 1024


@dataclass(kw_only=True)
class TopOptions:
    """See the help of the commands."""

    interval_s: float = 1.0
    limit: int = LIMIT
    sort: str = "cid"
    subscriptions: bool = False
    lookup: bool = False
    raw: bool = False
    refreshes: int = -1  # polls to show before the end; -1 for no end
    output: str = ""  # a file, or - for standard output
    delimiter: str = ""
    once: bool = False
    form: str = ""  # of --once: text, csv or json
    record: str = ""  # file to write every poll to
    replay: str = ""
    speed: float = 1.0
    names: list[str] = field(default_factory=list)

    @property
    def headless(self) -> bool:
        """Whether no screen is wanted."""
        return bool(self.output) or self.once
