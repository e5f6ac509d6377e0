"""What the user has chosen to see."""

from __future__ import annotations

from dataclasses import dataclass, field

from pynats_top.collect.source import ACCOUNTS, CONNECTIONS, CONSUMERS, SLOW, STREAMS

OVERVIEW = "overview"
# The second title is for a narrow terminal.
TITLES = (
    (OVERVIEW, "Overview", "Over"), (CONNECTIONS, "Connections", "Conns"),
    (ACCOUNTS, "Accounts", "Accts"), (STREAMS, "Streams", "Strms"),
    (CONSUMERS, "Consumers", "Cons"), (SLOW, "Slow", "Slow"),
)  # fmt: skip
TABS = tuple(name for name, _, _ in TITLES)
URGENCY = "urgency"  # the order in which slow consumers are found
_FIRST_SORTS = {
    ACCOUNTS: "account", STREAMS: "stream", CONSUMERS: "stream", SLOW: URGENCY,
}  # fmt: skip


@dataclass
class View:
    """Of which server which figures, and how."""

    tab: str = CONNECTIONS
    server: int = 0
    limit: int = 1024
    raw: bool = False
    rates: bool = False
    subscriptions: bool = False
    lookup: bool = False
    accounts: bool = False  # of connections
    reverse: bool = False
    filter: str = ""
    sorts: dict[str, str] = field(default_factory=lambda: dict(_FIRST_SORTS))

    @property
    def per_second(self) -> bool:
        """Whether the tab shows what is moved each second."""
        return self.rates and self.tab in (CONNECTIONS, ACCOUNTS)

    @property
    def sorted_by(self) -> str:
        """What the rows of the tab are sorted by."""
        return self.sorts.get(self.tab, "")

    @property
    def parts(self) -> tuple[str, ...]:
        """What is to be asked for to show the tab."""
        return () if self.tab == OVERVIEW else (self.tab,)

    def step_tab(self, step: int) -> str:
        """The tab beside this one."""
        return TABS[(TABS.index(self.tab) + step) % len(TABS)]
