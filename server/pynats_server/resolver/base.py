"""What a resolver is, and what it needs to know of accounts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, Protocol, TypeAlias

from pynats_common.nkeys.codec import Prefix, is_valid_public

TOKEN_MAX: Final = 1 << 20  # bytes: no token is longer

MISSING: Final = "account missing"
TIMED_OUT: Final = "fetching jwt timed out"

# An account, and its new JWT; None = it was deleted.
OnChange: TypeAlias = Callable[[str, str | None], None]
# Raises NotGood unless a token is that of an account, and would count. Any thread may call it.
Check: TypeAlias = Callable[[str], object]


class ResolverError(Exception):
    """There is no JWT of that account, or the resolver cannot start; the text says why."""


class NotGood(Exception):
    """A JWT would not count; the text says why."""


class Resolver(Protocol):
    """On the loop's thread. `on_change` learns of claims that came by themselves, from an operator
    or another server."""

    on_change: OnChange | None

    @property
    def answers(self) -> Sequence[str]:
        """The requests `$SYS.REQ.CLAIMS.…`, and `LOOKUP`, that a server with it answers."""
        ...

    def known(self, account: str) -> str | None:
        """The JWT of an account, if it is there without waiting."""
        ...

    async def fetch(self, account: str, address: str = "") -> str:
        """The JWT of an account, for somebody who comes from that address: where others must be
        asked, addresses take turns. Raises ResolverError."""
        ...

    def join(self, account: str, address: str) -> None:
        """Somebody at another address waits for an account that is being fetched."""
        ...

    async def start(self) -> None:
        """Raises ResolverError if it cannot work."""
        ...

    async def look_again(self) -> None:
        """Somebody may have changed what it has. Raises OSError."""
        ...

    async def stop(self) -> None:
        """It is not asked any more. Idempotent."""
        ...


class Peers(Protocol):
    """Other servers, asked in the system account."""

    async def first(self, subject: str, timeout_s: float) -> bytes | None:
        """The first answer that says something; None when none came in time."""
        ...

    def collect(self, take: Callable[[bytes], None]) -> Collecting:
        """Answers to requests that are repeated."""
        ...


class Collecting(Protocol):
    """Takes answers until it is closed."""

    def ask(self, subject: str, body: bytes) -> None:
        """Sends the request again."""
        ...

    def close(self) -> None:
        """Idempotent."""
        ...


def is_account(key: str) -> bool:
    """Whether this is the public key of an account: a name that is safe for files and URLs."""
    return is_valid_public(key, Prefix.ACCOUNT)
