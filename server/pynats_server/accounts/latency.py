"""How long services take to answer requests of other accounts, told in the exporting account.

The metric is `io.nats.server.metric.v1.service_latency`, see
https://docs.nats.io/running-a-nats-service/configuration/securing_nats/accounts#service-latency.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, Final

from pynats_common.go.text import bytes_of
from pynats_common.go.times import format_time_ns
from pynats_common.ids.nuid import new_nuid

from pynats_server.accounts.request_info import RequestInfo
from pynats_server.accounts.sampling import Headers, trace_headers
from pynats_server.core.account import Account
from pynats_server.core.client import ClientConnection
from pynats_server.core.engine import Engine
from pynats_server.options import ServiceLatency
from pynats_server.said.json import compact

METRIC: Final = "io.nats.server.metric.v1.service_latency"
BY_HEADERS: Final = 0
CHECKED: Final = 256
"""Requests that are looked at in one go for whether somebody waits for the answer."""
TOLD: Final = 16
"""What one costs for whose answer nobody waits, in others."""

Status = tuple[int, str]
OK: Final[Status] = (200, "")
BAD_REQUEST: Final[Status] = (400, "Bad Request")
REQUEST_TIMEOUT: Final[Status] = (408, "Request Timeout")
UNAVAILABLE: Final[Status] = (503, "Service Unavailable")
TIMEOUT: Final[Status] = (504, "Service Timeout")

TELL_CALLS: Final = 4
"""What a metric costs, in calls of Python code (`Engine.charge`)."""


class Latency:
    """Of one exported service. `suffix` ends the reply subjects of requests that are measured."""

    def __init__(
        self,
        engine: Engine,
        exporter: Account,
        wanted: ServiceLatency,
        who: RequestInfo,
        suffix: bytes,
    ) -> None:
        self.suffix = suffix
        self.wanted = wanted
        self._engine = engine
        self._exporter = exporter
        self._subject = bytes_of(wanted.subject)
        self._who = who

    def begin(self, source: object, share: bool, block: bytes, has_reply: bool) -> Tracked | None:
        """A request comes, whose headers begin with `block`. None if it is not measured, as those
        that want no answer are not."""
        header: Headers | None = None
        if self.wanted.sampling == BY_HEADERS:
            header = trace_headers(block)
            if header is None:
                return None
        elif self.wanted.sampling <= random.randrange(100):
            return None
        tracked = Tracked(self, self.describe(source, share), header)
        if has_reply:
            return tracked
        self.tell(tracked, BAD_REQUEST)
        return None

    def describe(self, client: object, share: bool) -> dict[str, Any] | None:
        """A side of the conversation; None for the server itself."""
        return self._who.describe(client, share) if isinstance(client, ClientConnection) else None

    def tell(
        self,
        tracked: Tracked,
        status: Status,
        responder: dict[str, Any] | None = None,
        elapsed_ns: int = 0,
    ) -> None:
        """Publishes the metric."""
        code, description = status
        requestor = tracked.requestor
        requestor_rtt = requestor.get("rtt", 0) if requestor else 0
        service = system = total = 0
        if status is OK:
            service = max(elapsed_ns - (responder or {}).get("rtt", 0), 0)
            system = max(time.monotonic_ns() - tracked.begun - elapsed_ns, 0)
            total = requestor_rtt + elapsed_ns + system
        told = {
            "type": METRIC,
            "id": new_nuid(),
            "timestamp": format_time_ns(time.time_ns()),
            "status": code,
            "description": description,
            "requestor": requestor,
            "responder": responder,
            "header": dict(sorted(tracked.header.items())) if tracked.header else None,
        }
        told = {name: value for name, value in told.items() if value}
        told |= {
            "start": format_time_ns(tracked.start_ns - requestor_rtt),
            "service": service,
            "system": system,
            "total": total,
        }
        self._engine.charge(TELL_CALLS)
        self._exporter.publish(self._engine, self._subject, compact(told))


class Tracked:
    """A request that is measured, until its only metric is told."""

    __slots__ = (
        "_forget",
        "_replies",
        "begun",
        "header",
        "latency",
        "reply",
        "requestor",
        "start_ns",
    )

    def __init__(
        self, latency: Latency, requestor: dict[str, Any] | None, header: Headers | None
    ) -> None:
        self.latency = latency
        self.requestor = requestor
        self.header = header
        self.start_ns = time.time_ns()
        self.begun = time.monotonic_ns()
        self.reply = b""
        self._replies: Awaiting | None = None
        self._forget: Callable[[], object] | None = None

    def awaits(self, importer: Account, reply: bytes, forget: Callable[[], object]) -> None:
        """The answer is for `reply` in the requester's account; `forget()` gives it up."""
        if importer.awaiting is None:
            importer.awaiting = Awaiting(importer)
        self.reply = reply
        self._forget = forget
        self._replies = importer.awaiting
        self._replies.add(self)

    def answered(self, responder: object) -> None:
        """By a client, or by the server itself."""
        elapsed_ns = time.monotonic_ns() - self.begun
        self._done()
        self.latency.tell(self, OK, self.latency.describe(responder, True), elapsed_ns)

    def unanswered(self) -> None:
        """In the time that the service has."""
        self._done()
        self.latency.tell(self, TIMEOUT)

    def unheard(self) -> None:
        """Nobody listens to such requests."""
        self._done()
        self.latency.tell(self, UNAVAILABLE)

    def unwanted(self) -> None:
        """Nobody waits for the answer any more."""
        if self._forget is not None:
            self._forget()
        self._done()
        self.latency.tell(self, REQUEST_TIMEOUT)

    def _done(self) -> None:
        if self._replies is not None:
            self._replies.discard(self)
            self._replies = self._forget = None


class Awaiting:
    """The measured requests of one account, which end when nobody listens to their replies. That is
    looked for some at a time: now, and then in passes of the loop."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._by_reply: OrderedDict[bytes, OrderedDict[Tracked, None]] = OrderedDict()
        self._suspects: OrderedDict[bytes, None] = OrderedDict()  # replies to be looked at first
        self._rest = 0  # how many of all to look at, from the first one on; it then is the last
        self._at_work = False

    def add(self, tracked: Tracked) -> None:
        """Begins to wait: it ends early when nobody listens to its reply subject."""
        found = self._by_reply.get(tracked.reply)
        if found is None:
            found = self._by_reply[tracked.reply] = OrderedDict()
        found[tracked] = None

    def discard(self, tracked: Tracked) -> None:
        """It has ended. Idempotent."""
        found = self._by_reply.get(tracked.reply)
        if found is not None:
            found.pop(tracked, None)
            if not found:
                del self._by_reply[tracked.reply]

    def left(self, subject: bytes) -> None:
        """A subscription has ended."""
        if subject in self._by_reply:
            self._suspects[subject] = None
        elif self._by_reply and (b"*" in subject or b">" in subject):
            self._rest = len(self._by_reply)
        else:
            return
        if not self._at_work:
            self._at_work = True
            self._work()

    def _work(self) -> None:
        try:
            self._look()
        finally:
            self._at_work = self._has_more()
            if self._at_work:
                asyncio.get_running_loop().call_soon(self._work)

    def _has_more(self) -> bool:
        return bool(self._suspects or (self._rest and self._by_reply))

    def _look(self) -> None:
        left = CHECKED
        while left > 0 and self._has_more():
            left -= 1
            if self._suspects:
                reply = next(iter(self._suspects))
            else:
                self._rest -= 1
                reply = next(iter(self._by_reply))
                self._by_reply.move_to_end(reply)
                self._suspects[reply] = None
            waiting = self._by_reply.get(reply)
            if waiting and not self._account.has_interest(reply):
                left -= TOLD
                next(iter(waiting)).unwanted()
            else:
                del self._suspects[reply]
