"""What may be asked of each endpoint. Requests over HTTP and over `$SYS` are read into the same
options, and one function per endpoint answers both."""

from __future__ import annotations

from dataclasses import dataclass

DEFAULT_LIMIT = 1024  # entries per page


class BadRequest(Exception):
    """Something asked is wrong; the text is for whoever asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """The part of a list to show. A limit below 1 is the default, an offset below 0 is 0."""

    offset: int = 0
    limit: int = 0

    @property
    def start(self) -> int:
        """The first entry."""
        return max(0, self.offset)

    @property
    def size(self) -> int:
        """The most entries."""
        return self.limit if self.limit > 0 else DEFAULT_LIMIT


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnzOptions(Page):
    """`subscriptions` lists subjects, `details` all that is known of each subscription. `search` is
    ours: some text that the name, user, account, address or closing reason has, or the cid."""

    sort: str = ""
    auth: bool = False
    subscriptions: bool = False
    details: bool = False
    cid: int = 0
    want_open: bool = True
    want_closed: bool = False
    user: str = ""
    account: str = ""
    filter_subject: str = ""
    mqtt_client: str = ""
    search: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SubszOptions(Page):
    """`test` is the subject of a message that the listed subscriptions would get, as bytes because
    subjects need not be UTF-8."""

    subscriptions: bool = False
    account: str = ""
    test: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class RoutezOptions:
    subscriptions: bool = False
    details: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayzOptions:
    name: str = ""
    accounts: bool = False
    account: str = ""
    subscriptions: bool = False
    details: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class LeafzOptions:
    subscriptions: bool = False
    account: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountzOptions:
    """One account, or the names of all."""

    account: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccstatzOptions:
    """Some accounts, or all; of them also those without connections if `unused`."""

    accounts: tuple[str, ...] = ()
    unused: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class JszOptions:
    """`limit` 0 is the default, below 0 all accounts. What is asked of consumers asks for their
    streams, too."""

    account: str = ""
    accounts: bool = False
    streams: bool = False
    consumers: bool = False
    direct_consumers: bool = False  # those of mirrors and sources as well
    config: bool = False
    offset: int = 0
    limit: int = 0
    leader_only: bool = False
    raft: bool = False  # also count what is led by this server: all of it


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthzOptions:
    """What to check: everything, or one account, stream or consumer. `enabled_only` checks only
    that JetStream is on, `server_only` not even that. `old_name`: asked in a way that goes out."""

    account: str = ""
    stream: str = ""
    consumer: str = ""
    details: bool = False
    enabled_only: bool = False
    server_only: bool = False
    old_name: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class IpqueueszOptions:
    all: bool = False
    filter: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListOptions(Page):
    """A page of accounts, streams or consumers. `search` is some text that a name has."""

    sort: str = ""
    search: str = ""
    account: str = ""
    stream: str = ""
