"""Where requests to the system account arrive, and whose turn it is to be answered."""

from __future__ import annotations

import collections
from collections.abc import Awaitable, Callable, Hashable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Final

from pynats_common.go.text import text_of

from pynats_server.core.account import Account
from pynats_server.core.client import ClientConnection
from pynats_server.core.interest.subscription import Subscription
from pynats_server.server.info import InfoMessage
from pynats_server.server.state import ServerState
from pynats_server.system.server_block import ServerBlock
from pynats_server.system.services.request import Request
from pynats_server.work import Cancelled, Job, Late, Steps

if TYPE_CHECKING:
    from pynats_server.system.services.answering import Answering

PREFIX: Final = "$SYS.REQ."
# Of `table`, which is loaded with the first request.
SERVER_NAMES: Final = (
    "IDZ", "STATSZ", "VARZ", "SUBSZ", "CONNZ", "ROUTEZ", "GATEWAYZ", "LEAFZ", "ACCOUNTZ", "JSZ",
    "HEALTHZ", "EXPVARZ", "IPQUEUESZ", "RAFTZ", "PROFILEZ",
)  # fmt: skip
CHANGE_NAMES: Final = ("RELOAD", "KICK", "LDM", "LOGLEVEL")  # only for the server that is named
ACCOUNT_NAMES: Final = ("SUBSZ", "CONNZ", "LEAFZ", "JSZ", "INFO", "STATZ", "CONNS")
WAITING: Final = 1024  # requests of one account
WAITING_BYTES: Final = 8 << 20  # their headers and bodies


Reload = Callable[[], Awaitable[str]]
"""Reloads the configuration; what is wrong with it, or nothing."""
SetLevels = Callable[[Mapping[str, str]], dict[str, str]]
"""Gives parts of the log other levels; the levels of all."""


class Desk:
    """Of one server; on the loop's thread."""

    def __init__(
        self,
        state: ServerState,
        block: ServerBlock,
        info: InfoMessage,
        reload: Reload,
        set_levels: SetLevels,
    ) -> None:
        self._state = state
        self._parts = (block, info, reload, set_levels)
        self._subscriptions: list[Subscription] = []
        self._for_resolver: list[Subscription] = []
        self._waiting_bytes: collections.Counter[Hashable] = collections.Counter()
        self._answering: Answering | None = None
        self._late = Late("pynats_server.system.services.answering")

    def open(self) -> None:
        """Requests are answered from now on."""
        own = self._state.id
        self._listen(f"{PREFIX}SERVER.PING", "SERVER STATSZ")
        for name in SERVER_NAMES:
            self._listen(f"{PREFIX}SERVER.PING.{name}", f"SERVER {name}")
            self._listen(f"{PREFIX}SERVER.{own}.{name}", f"SERVER {name}")
        for name in CHANGE_NAMES:
            self._listen(f"{PREFIX}SERVER.{own}.{name}", name)
        for name in ACCOUNT_NAMES:
            self._listen(f"{PREFIX}ACCOUNT.*.{name}", f"ACCOUNT {name}", 3)
        self._listen(f"{PREFIX}ACCOUNT.NSUBS", "NSUBS")
        self._listen(f"{PREFIX}USER.*.INFO", "USER INFO", 3)
        self._listen("$SYS.DEBUG.SUBSCRIBERS", "SUBSCRIBERS")
        self._listen(f"{PREFIX}ACCOUNT.*.CLAIMS.UPDATE", "CLAIMS UPDATE", 3)
        self._listen("$SYS.ACCOUNT.*.CLAIMS.UPDATE", "CLAIMS UPDATE", 2)
        self.follow_resolver()

    def follow_resolver(self) -> None:
        """Which requests about JWTs of accounts are answered depends on the resolver."""
        self._end(self._for_resolver)
        resolver = self._state.resolver
        for name in resolver.answers if resolver is not None else ():
            by_account = name == "LOOKUP"
            subject = f"ACCOUNT.*.CLAIMS.{name}" if by_account else f"CLAIMS.{name}"
            about = 3 if by_account else 0
            self._listen(PREFIX + subject, f"CLAIMS {name}", about, self._for_resolver)

    def close(self) -> None:
        """No more requests are taken. Idempotent."""
        self._end(self._subscriptions)
        self._end(self._for_resolver)

    def _end(self, subscriptions: list[Subscription]) -> None:
        account = self._state.system_account
        while subscriptions:
            account.unsubscribe(subscriptions.pop())

    def _listen(
        self, subject: str, name: str, about: int = 0, kept: list[Subscription] | None = None
    ) -> None:
        """`about` is the token of the subject that says which account it is about; 0 = none."""
        take = partial(self._arrived, name, about)
        found = self._state.system_account.subscribe(subject.encode(), take, with_source=True)
        (self._subscriptions if kept is None else kept).append(found)

    def _arrived(
        self, name: str, token: int, _: Account, subject: bytes, reply: bytes, headers: bytes,
        payload: bytes, source: object,
    ) -> None:  # fmt: skip
        client = source if isinstance(source, ClientConnection) else None
        lane = ("$SYS", client.account.name if client is not None else "")
        turns = self._state.turns
        size = len(headers) + len(payload)
        waiting_bytes = self._waiting_bytes[lane] + size
        if turns.count(lane) >= WAITING or waiting_bytes > WAITING_BYTES:
            self._state.log.warn_rarely(
                f"Requests to the system account of account '{lane[1]}' are dropped: "
                f"{turns.count(lane)} wait",
                kind=lane,
            )
            return
        self._waiting_bytes[lane] = waiting_bytes
        about = text_of(subject).split(".")[token] if token else ""
        request = Request(name, about, reply, headers, payload, client)
        turns.start(
            lane,
            client if client is not None else self,
            self._answer(request),
            stays=name in CHANGE_NAMES or name.startswith("CLAIMS"),
            on_end=lambda job: self._ended(job, lane, size),
        )

    def _answer(self, request: Request) -> Steps[None]:
        if not self._late.is_there:
            loading = self._late.load()
            yield loading
            loading.result()
        if self._answering is None:
            from pynats_server.system.services.answering import Answering
            from pynats_server.system.services.context import Context

            self._answering = Answering(Context(self._state, *self._parts))
        yield from self._answering.answer(request)

    def _ended(self, job: Job[None], lane: Hashable, size: int) -> None:
        self._waiting_bytes[lane] -= size
        if not self._waiting_bytes[lane]:
            del self._waiting_bytes[lane]
        if job.error is not None and not isinstance(job.error, Cancelled):
            self._state.log.error(f"a request to the system account failed: {job.error!r}")
