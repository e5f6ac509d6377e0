"""What gives polls of one server."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Protocol

CONNECTIONS, ACCOUNTS, STREAMS, CONSUMERS, SLOW = (
    "connections", "accounts", "streams", "consumers", "slow",
)  # fmt: skip
PARTS = (CONNECTIONS, ACCOUNTS, STREAMS, CONSUMERS, SLOW)
SERVERS = "servers"  # themselves: every poll has them

SERVER_SORTS = (
    "cid", "start", "subs", "pending", "msgs_to", "msgs_from", "bytes_to", "bytes_from", "last",
    "idle", "uptime", "stop", "reason", "rtt",
)  # fmt: skip
OWN_SORTS = ("lang", "version")  # the documentation has them, but no server sorts by them
SORTS = (*SERVER_SORTS, *OWN_SORTS)

TIMEOUT_S = 10.0  # for all of one poll
SLOWEST = 50  # connections asked for with their subjects, to tell who is slow
ENDED = 256  # connections that ended, asked for with their reasons
ACCOUNTS_MAX = 10_000  # accounts with streams


class SourceError(Exception):
    """A poll has failed; the text says why, in one line."""


@dataclass(frozen=True, slots=True)
class Want:
    """What a poll is to ask for. `parts`: only what is looked at."""

    limit: int = 1024
    sort: str = "cid"
    subscriptions: bool = False
    auth: bool = False  # accounts and users of connections
    parts: frozenset[str] = frozenset((CONNECTIONS,))

    @property
    def server_sort(self) -> str:
        """What the server is to sort by: it does not know all that the documentation has."""
        return "cid" if self.sort in OWN_SORTS else self.sort


@dataclass(slots=True)
class Poll:
    """Answers of one server, as they came. `at` is monotonic. What was not asked for is None."""

    at: float
    varz: dict[str, Any] = field(default_factory=dict)
    connz: dict[str, Any] | None = None
    accounts: dict[str, Any] | None = None
    jsz: dict[str, Any] | None = None
    closed: dict[str, Any] | None = None  # connections that have ended, the last ones first
    pending: dict[str, Any] | None = None  # connections with most pending bytes, and subjects


class Source(Protocol):
    """One server, however it is asked."""

    @property
    def label(self) -> str:
        """What it is called before its name is known."""

    async def poll(self, want: Want) -> Poll:
        """One poll. Raises SourceError."""

    def due_in_s(self, interval_s: float) -> float:
        """Seconds from one poll to the next, if this interval is asked for."""

    async def connection(self, cid: int) -> dict[str, Any] | None:
        """One connection with its subscriptions in detail; None when there is none. Raises
        SourceError."""

    async def close(self) -> None:
        """Ends; a poll that runs fails."""
