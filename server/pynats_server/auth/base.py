"""How the server asks whether a connection may come in, whatever it presents.

Every way to log in is an `Authenticator`. Nothing here uses sockets: the client layer asks, waits
where it must, and acts on the answer. A program that embeds the server can bring one of its own
(docs/guides/authentication.md).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import field
from typing import Final, Protocol, TypeAlias

from pynats_common.records import dataclass

from pynats_server.auth.connect import ConnectOptions
from pynats_server.core.permissions import Permissions
from pynats_server.core.reasons import CloseReason
from pynats_server.options import Permissions as Rights
from pynats_server.options import PublishLimits
from pynats_server.tls.peer import PeerTls

STANDARD: Final = "STANDARD"  # connection type of the client listener
VIOLATION: Final = "Authorization Violation"
UNLIMITED: Final = -1


class Notes(Protocol):
    """The log, for lines about one connection. On the loop's thread."""

    @property
    def debug_enabled(self) -> bool:
        """Whether anybody reads debug lines; ask before building one."""
        ...

    def debug(self, text: str) -> None: ...
    def warn(self, text: str) -> None: ...


@dataclass(slots=True)
class Hello:
    """A connection that wants to log in: what it has said so far, and what is known of it.

    A later CONNECT changes `said` and asks again.
    """

    said: ConnectOptions = field(default_factory=ConnectOptions)  # its CONNECT
    nonce: str = ""  # that INFO had; empty = none
    kind: str = STANDARD  # the connection type, as `allowed_connection_types` names it
    host: str = ""  # where it comes from, as a proxy says if there is one
    port: int = 0  # its own, not the server's
    cid: int = 0  # its number in this server
    tls: PeerTls | None = None  # what is known of its TLS; None = it has none
    proxy: str = ""  # public key of the trusted proxy that has signed for it
    mapped: str = ""  # the user that its certificate names
    # While somebody is asked: what is said here must be nothing secret.
    notes: Notes | None = field(default=None, repr=False, compare=False)


@dataclass(slots=True)
class Verdict:
    """Who a connection is, what it may do, and what monitoring shows of it.

    `method` is what it follows from: `password`, `token`, `nkey`, `certificate`, `jwt`, `callout`,
    `oidc`, `no_auth_user`, or `none` where there are no log-ins.
    """

    account: str  # its name
    permissions: Permissions | None = None  # compiled; None = unrestricted
    user: str | None = None  # the name that monitoring shows
    limits: PublishLimits | None = None  # None = those of its account
    method: str = "none"  # what it follows from
    rights: Rights | None = None  # the permissions as they are configured
    max_subscriptions: int = UNLIMITED  # -1 = unlimited
    max_payload: int = UNLIMITED  # bytes; -1 = unlimited
    expires: float = 0.0  # seconds since 1970; 0 = never
    # What monitoring and events tell besides
    jwt: str = field(default="", repr=False)
    issuer_key: str = ""  # public key of who has signed it
    by_key: bool = False  # the user has no name, but a key
    name_tag: str = ""  # what the user's JWT calls it
    account_tag: str = ""  # what the account's JWT calls that
    tags: tuple[str, ...] = ()  # of the user's JWT
    # What it follows from, for `recheck` to see whether that still holds. Only its maker reads it.
    proof: object = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a connection may not come in. Nothing in it is secret, but for what it is told alone."""

    reason: CloseReason = CloseReason.AUTHENTICATION_VIOLATION  # why it is closed
    error: str = VIOLATION  # what it is told (-ERR); nothing if empty
    why: str = ""  # for the log, at level debug
    warning: str = ""  # the same, where who runs the server should see it at once
    grave: bool = False  # the warning is an error
    account: str = ""  # whose listeners are told of it; empty = the global one


REFUSED: Final = Refusal()
Answer: TypeAlias = Verdict | Refusal


@dataclass(frozen=True, slots=True)
class Slow:
    """An answer that takes much computing, such as comparing a bcrypt hash: `decide` runs in a
    thread, when the turn of the peer's address comes."""

    decide: Callable[[], Answer]  # in a thread
    then: Callable[[Answer], Outcome] | None = None  # with what it has found, on the loop's thread


Outcome: TypeAlias = "Answer | Slow | Awaitable[Answer]"


class Authenticator(Protocol):
    """Decides who may come in. Its methods run on the loop's thread and do not wait; what takes
    time is a `Slow` or an awaitable, and the peer is not read meanwhile."""

    @property
    def required(self) -> bool:
        """Whether peers must present credentials at all."""
        ...

    @property
    def admits_silent(self) -> bool:
        """Whether a peer whose first verb is not CONNECT may be let in: it is asked about as one
        that has said nothing."""
        ...

    @property
    def wants_nonce(self) -> bool:
        """Whether INFO has a nonce, to be signed."""
        ...

    def verify(self, hello: Hello) -> Outcome:
        """Whether it may come in, and as whom."""
        ...

    def recheck(self, hello: Hello, verdict: Verdict) -> Outcome:
        """The same for one that is in, after the configuration or an account changed: `verdict` is
        what it was let in with, and is returned itself if nothing of it has changed."""
        ...
