"""From a request's subject to its endpoint and back.

The requests of one client are answered in the order of their arrival; accounts take turns, and so
do the clients of an account (`work.Turns`). A small request of a client that waits for nothing is
answered at once. Others wait: behind what their client asked for before, or for the next pass of
the loop. Only the client itself waits while its request waits for the disk; and not even that with
what it asks for in a row to make and remove consumers (`ahead`), which shares the disk's work.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Generator, Hashable
from dataclasses import dataclass
from functools import partial
from typing import Any

import msgspec
from pynats_common.go.text import text_of

from pynats_server.core.account import Account
from pynats_server.core.interest.subscription import Sink, Subscription
from pynats_server.core.protocol import headers
from pynats_server.jetstream.account import JetStreamAccount
from pynats_server.jetstream.api import account as account_endpoints
from pynats_server.jetstream.api import (
    consumers,
    direct,
    listing,
    messages,
    purging,
    snapshot,
    streams,
)
from pynats_server.jetstream.api.domain import DomainSink
from pynats_server.jetstream.api.onlookers import WHOLE_API, Onlookers
from pynats_server.jetstream.api.request import Reply, Request
from pynats_server.jetstream.api.sink import ApiSink
from pynats_server.jetstream.context import JetStreamContext
from pynats_server.jetstream.domains import domain_mappings
from pynats_server.jetstream.errors import ApiError, api_error
from pynats_server.jetstream.requests.api_level import REQUIRED_LEVEL, level_supported
from pynats_server.jetstream.store import CorruptRecord, StoreError, Unavailable
from pynats_server.work import TURN_NS, Cancelled, Job, Steps

PREFIX = "$JS.API."
TYPE_PREFIX = "io.nats.jetstream.api.v1."
# ns that beginning an endpoint which awaits something counts as: its first piece runs in a pass of
# its own, where nobody measures it. So a pass begins four of them.
BEGINNING_NS = TURN_NS // 4
AHEAD_MAX = 64  # requests of one client that wait for the disk at a time

Answer = Reply | None
Begun = Steps[Answer] | Awaitable[Answer]  # what is still to do for a request


@dataclass(frozen=True, slots=True)
class Endpoint:
    """`run` returns the reply's fields, or sends the reply itself and returns None. What it has to
    wait for is a coroutine, what takes long a sliced piece of work."""

    pattern: str
    type: str  # of the reply, without prefix and `_response`
    run: Callable[[Request], Reply | Begun | None]
    on_error: tuple[tuple[str, Any], ...] = ()  # fields an error reply has beside `error`
    audited: bool = True  # successful requests are counted and reported by an advisory
    counted: bool = True  # as all are, except where the real server's API knows nothing of them
    changes: bool = False  # carried out although the client has gone
    of_server: bool = False  # also answered where the account has no JetStream
    ahead: bool = False  # begins while those that its client asked for before wait for the disk


PAGED = (("total", 0), ("offset", 0), ("limit", 0))
CONSUMER_PAGED: tuple[tuple[str, Any], ...] = (*PAGED, ("consumers", []))
NOT_PAUSED = (("paused", False), ("pause_until", "0001-01-01T00:00:00Z"))

ENDPOINTS = (
    Endpoint("INFO", "account_info", account_endpoints.info),
    Endpoint("STREAM.CREATE.*", "stream_create", streams.create, changes=True),
    Endpoint("STREAM.UPDATE.*", "stream_update", streams.update, changes=True),
    Endpoint("STREAM.NAMES", "stream_names", listing.names, (*PAGED, ("streams", None))),
    Endpoint("STREAM.LIST", "stream_list", listing.listing, (*PAGED, ("streams", []))),
    Endpoint("STREAM.INFO.*", "stream_info", streams.info, PAGED),
    Endpoint("STREAM.DELETE.*", "stream_delete", streams.delete, changes=True),
    Endpoint("STREAM.PURGE.*", "stream_purge", streams.purge, (("purged", 0),), changes=True),
    Endpoint("STREAM.MSG.GET.*", "stream_msg_get", messages.get, audited=False),
    Endpoint("STREAM.MSG.DELETE.*", "stream_msg_delete", messages.delete, changes=True),
    Endpoint("STREAM.SNAPSHOT.*", "stream_snapshot", snapshot.snapshot),
    Endpoint("STREAM.RESTORE.*", "stream_restore", snapshot.restore, (("deliver_subject", ""),)),
    Endpoint("STREAM.LEADER.STEPDOWN.*", "stream_leader_stepdown", account_endpoints.clustered),
    Endpoint("STREAM.PEER.REMOVE.*", "stream_remove_peer", account_endpoints.clustered),
    Endpoint("STREAM.PEER.EVACUATE.*", "stream_evacuate_peer", account_endpoints.clustered),
    Endpoint("STREAM.CANCEL_MOVE.*", "stream_cancel_move", account_endpoints.clustered),
    *(
        Endpoint(pattern, "consumer_create", create, changes=True, ahead=True)
        for pattern, create in (
            ("CONSUMER.CREATE.*", consumers.create),
            ("CONSUMER.CREATE.*.*", consumers.create),
            ("CONSUMER.CREATE.*.*.>", consumers.create),
            ("CONSUMER.DURABLE.CREATE.*.*", consumers.create_durable),
        )
    ),
    Endpoint("CONSUMER.NAMES.*", "consumer_names", consumers.names, CONSUMER_PAGED),
    Endpoint("CONSUMER.LIST.*", "consumer_list", consumers.listing, CONSUMER_PAGED),
    Endpoint("CONSUMER.INFO.*.*", "consumer_info", consumers.info),
    Endpoint("CONSUMER.DELETE.*.*", "consumer_delete", consumers.delete, changes=True, ahead=True),
    Endpoint("CONSUMER.PAUSE.*.*", "consumer_pause", consumers.pause, NOT_PAUSED, changes=True),
    Endpoint("CONSUMER.UNPIN.*.*", "consumer_unpin", consumers.unpin),
    Endpoint(
        "CONSUMER.RESET.*.*",
        "consumer_reset",
        consumers.reset,
        (("reset_seq", 0),),
        counted=False,
    ),
    Endpoint("CONSUMER.MSG.NEXT.*.*", "", consumers.next_message),
    Endpoint(
        "CONSUMER.LEADER.STEPDOWN.*.*", "consumer_leader_stepdown", account_endpoints.clustered
    ),
    Endpoint("CONSUMER.PEER.REMOVE.*.*", "consumer_remove_peer", account_endpoints.clustered),
    Endpoint("CONSUMER.PEER.EVACUATE.*.*", "consumer_evacuate_peer", account_endpoints.clustered),
    Endpoint("DIRECT.GET", "", direct.nowhere),
    Endpoint("DIRECT.GET.*", "", direct.get),
    Endpoint("DIRECT.GET.*.>", "", direct.get_last),
)


# The answer to most requests of the system account, which has no streams; and requests that only
# clusters answer.
SYSTEM_ENDPOINT = Endpoint("", "system", account_endpoints.clustered)
CLUSTER_REQUESTS = ("META.LEADER.STEPDOWN", "SERVER.REMOVE", "SERVER.EVACUATE", "META.RESCUE")
PURGE = "ACCOUNT.PURGE."

LEVEL_TOO_HIGH = b"NATS/1.0 412 Required Api Level\r\n\r\n"


def _is_within_level(block: bytes) -> bool:
    """Whether this server's API has the level that a request asks for."""
    wanted = headers.get(block, REQUIRED_LEVEL)
    return not wanted or level_supported(wanted)


class Api:
    """The API of all accounts of one server."""

    def __init__(self, context: JetStreamContext, onlookers: Onlookers) -> None:
        self._context = context
        self._onlookers = onlookers
        self._routes: dict[tuple[str, ...], list[Endpoint]] = {}
        for endpoint in ENDPOINTS:
            tokens = endpoint.pattern.split(".")
            literal = tuple(token for token in tokens if token not in ("*", ">"))
            self._routes.setdefault(literal, []).append(endpoint)
        self._longest = max(len(literal) for literal in self._routes)
        self._served: dict[str, tuple[JetStreamAccount, list[Subscription]]] = {}  # by name
        run = partial(purging.purge, context, self._served_account)
        self._purge = Endpoint("", "account_purge", run, changes=True, of_server=True)
        self._awaiting: set[asyncio.Task[None]] = set()  # requests that wait for something
        # Of each client, by account: those that others may begin behind; they end in order.
        self._open: dict[tuple[Hashable, Hashable], deque[asyncio.Task[None]]] = {}

    def serve(self, account: JetStreamAccount) -> None:
        """Answers the requests of an account from now on, instead of whoever did before."""

        def on_request(
            _: Account, subject: bytes, reply: bytes, headers: bytes, payload: bytes, source: Any
        ) -> None:
            if account.enabled or not account.account.asks(WHOLE_API):
                self._arrived(account, subject, reply, headers, payload, source)

        self.leave(account.name)
        sinks: dict[str, Sink] = {
            PREFIX: ApiSink(
                account.account,
                PREFIX[:-1].encode(),
                on_request,
                account.context.router,
                account.context.desk,
                self._context.turns.at_work,
                self._open,
                self._is_idle,
                self._met_a_bug,
                self._onlookers,
                not account.enabled,
            )
        }
        for prefix in self._context.api_prefixes[1:]:
            sinks[f"{prefix}."] = DomainSink(
                self._context.engine,
                account.account,
                prefix.encode(),
                domain_mappings(account.domain, account.is_system),
            )
        self._served[account.name] = (
            account,
            [account.account.attach_shortcut(p.encode(), sink) for p, sink in sinks.items()],
        )
        if account.is_system:
            self._onlookers.gather(account.account)

    def leave(self, name: str) -> None:
        """Answers no more requests of the account of that name."""
        if name not in self._served:
            return
        account, subscriptions = self._served.pop(name)
        if self._onlookers.account is account.account:
            self._onlookers.gather(None)
        for subscription in subscriptions:
            account.unsubscribe(subscription)

    async def stop(self) -> None:
        """Takes no more requests. Those that wait for the disk are finished, the others dropped."""
        names = list(self._served)
        for name in names:
            self.leave(name)
        for name in names:
            self._context.turns.cancel_account(name)
        await asyncio.gather(*self._awaiting, return_exceptions=True)

    # -- requests ---------------------------------------------------------------------------

    @property
    def inflight(self) -> int:
        """Requests waiting or being answered."""
        waiting = sum(map(self._context.turns.count, self._served))
        return waiting + sum(map(len, self._open.values()))

    def find(self, subject: str) -> tuple[Endpoint, list[str]] | None:
        """The endpoint of a subject (without prefix), and its names."""
        tokens = subject.split(".")
        for length in range(min(self._longest, len(tokens)), 0, -1):
            for endpoint in self._routes.get(tuple(tokens[:length]), ()):
                wanted = endpoint.pattern.split(".")[length:]
                rest = tokens[length:]
                if wanted[-1:] == [">"]:
                    if len(rest) >= len(wanted):
                        at = len(wanted) - 1
                        return endpoint, [*rest[:at], ".".join(rest[at:])]
                elif len(rest) == len(wanted):
                    return endpoint, rest
        return None

    def _for_system(
        self, name: str, found: tuple[Endpoint, list[str]] | None
    ) -> tuple[Endpoint, list[str]] | None:
        """The endpoint of a request in the system account, which may ask for its figures, and have
        another account purged."""
        if name.startswith(PURGE) and "." not in name.removeprefix(PURGE):
            return self._purge, [name.removeprefix(PURGE)]
        if name in CLUSTER_REQUESTS or name.startswith("ACCOUNT."):
            return None
        return found if name == "INFO" else (SYSTEM_ENDPOINT, [])

    def _served_account(self, name: str) -> JetStreamAccount | None:
        served = self._served.get(name)
        return served[0] if served is not None else None

    def _arrived(
        self, account: JetStreamAccount, subject: bytes, reply: bytes, headers: bytes,
        payload: bytes, source: Any,
    ) -> None:  # fmt: skip
        text = text_of(subject)
        name = text.partition(".API.")[2]
        found = self.find(name)
        if account.is_system:
            found = self._for_system(name, found)
        if found is None:
            return
        endpoint, names = found
        request = Request(account, text, names, reply, headers, payload, source)
        turns = self._context.turns
        if turns.is_free(account.name, source) and not self._is_behind(endpoint, request):
            begun_ns = turns.now()
            pending = self._run(endpoint, request)
            turns.charge(turns.now() - begun_ns)
            if pending is None:
                return
            work = self._finish(endpoint, request, pending)
        elif turns.count(account.name) < self._context.options.request_queue_limit:
            work = self._answer(endpoint, request)
        else:
            self._overflow(account)
            return
        turns.start(
            account.name, source, work, stays=endpoint.changes, dropped=True, on_end=self._ended
        )

    def _overflow(self, account: JetStreamAccount) -> None:
        dropped = self._context.turns.cancel_waiting(account.name)
        account.advisories.api_limit_reached(dropped)
        self._context.log.warn_rarely(
            f"JetStream API queue limit reached, dropping {dropped} requests", kind=self
        )

    def _ended(self, job: Job[None]) -> None:
        if job.error is not None and not isinstance(job.error, Cancelled):
            self._met_a_bug(job.error)

    def _met_a_bug(self, error: BaseException) -> None:
        """A bug of ours costs the one request that met it its answer; later ones are answered."""
        self._context.log.error(f"JetStream API: {error!r}")

    def _is_idle(self, account: Hashable, client: Hashable) -> bool:
        """Whether a client waits for no answer."""
        return self._context.turns.is_idle(account, client) and (account, client) not in self._open

    def _is_behind(self, endpoint: Endpoint, request: Request) -> bool:
        """Whether its client has asked for something that must be answered before it begins."""
        return not endpoint.ahead and request.lane in self._open

    def _answer(self, endpoint: Endpoint, request: Request) -> Steps[None]:
        while self._is_behind(endpoint, request):
            yield self._open[request.lane][-1]
        pending = self._run(endpoint, request)
        if pending is not None:
            yield from self._finish(endpoint, request, pending)

    def _finish(self, endpoint: Endpoint, request: Request, pending: Begun) -> Steps[None]:
        """Does what an endpoint has left to do, and answers."""
        if not isinstance(pending, Generator):
            yield self._wait(endpoint, request, pending)
            return
        try:
            result: Answer = yield from pending
        except Exception as error:
            self._fail(endpoint, request, error)
        else:
            if result is not None:
                self._send(endpoint, request, result)

    def _wait(
        self, endpoint: Endpoint, request: Request, pending: Awaitable[Answer]
    ) -> asyncio.Future[None]:
        """Waits in a task, which goes on when its job is cancelled: a change that has begun must
        end. Returns when the client's next request may begin."""
        self._context.turns.charge(BEGINNING_NS)
        loop = self._context.loop
        if not endpoint.ahead:
            return self._begun(loop.create_task(self._wait_and_answer(endpoint, request, pending)))
        mine = self._open.setdefault(request.lane, deque())
        before = mine[-1] if mine else None
        task = self._begun(
            loop.create_task(self._wait_and_answer(endpoint, request, pending, before))
        )
        mine.append(task)
        task.add_done_callback(lambda _: self._closed(request, task))
        if len(mine) >= AHEAD_MAX:
            return task
        let: asyncio.Future[None] = loop.create_future()

        def on_let(_: object = None) -> None:
            if not let.done():
                let.set_result(None)

        request.on_let = on_let
        task.add_done_callback(on_let)
        return let

    def _begun(self, task: asyncio.Task[None]) -> asyncio.Task[None]:
        self._awaiting.add(task)
        task.add_done_callback(self._awaiting.discard)
        return task

    def _closed(self, request: Request, task: asyncio.Task[None]) -> None:
        mine = self._open[request.lane]
        mine.remove(task)  # the first of them, unless they are cancelled
        if not mine:
            del self._open[request.lane]

    async def _wait_and_answer(
        self,
        endpoint: Endpoint,
        request: Request,
        pending: Awaitable[Answer],
        before: asyncio.Task[None] | None = None,
    ) -> None:
        try:
            try:
                result = await pending
            except Exception as error:
                await _ended(before)
                self._fail(endpoint, request, error)
            else:
                await _ended(before)
                if result is not None:
                    self._send(endpoint, request, result)
        except Exception as error:
            self._met_a_bug(error)

    def _run(self, endpoint: Endpoint, request: Request) -> Begun | None:
        """Runs an endpoint. Returns what is left to do, if it has not answered."""
        if request.headers and not _is_within_level(request.headers):
            if endpoint.type:
                self._fail(endpoint, request, api_error(10185))
            else:
                request.respond(b"", LEVEL_TOO_HIGH)
            return None
        if not request.account.enabled and endpoint.type and not endpoint.of_server:
            self._fail(endpoint, request, api_error(10039))
            return None
        try:
            result = endpoint.run(request)
        except Exception as error:
            self._fail(endpoint, request, error)
            return None
        if result is None:
            return None
        if isinstance(result, dict):
            self._send(endpoint, request, result)
            return None
        return result

    def _fail(self, endpoint: Endpoint, request: Request, error: Exception) -> None:
        if isinstance(error, ApiError):
            refusal = error
        elif isinstance(error, CorruptRecord | Unavailable):  # the log named it when it was found
            refusal = api_error(10077, err=error)
        else:
            # Never a traceback to the client, and never silence: the log has the cause.
            self._context.log.error(f"JetStream API {request.subject}: {error!r}")
            refusal = api_error(10077 if isinstance(error, StoreError) else 10008, err=error)
        request.account.api_errors += endpoint.counted
        if not endpoint.type:  # its answers are messages; clients take 503 for nobody there
            why = " ".join(str(refusal.as_dict()["description"]).split())
            request.respond(b"", f"NATS/1.0 500 {why}\r\n\r\n".encode())
            return
        self._send(endpoint, request, {"error": refusal.as_dict()})

    def _send(self, endpoint: Endpoint, request: Request, fields: Reply) -> None:
        failed = "error" in fields
        told = endpoint.counted and (endpoint.audited or failed)
        if failed:
            fields = {**fields, **dict(endpoint.on_error)}
        if told:
            request.account.api_total += 1
        body = {"type": f"{TYPE_PREFIX}{endpoint.type}_response", **fields}
        encoded = msgspec.json.encode(body)
        request.respond(encoded, b"" if failed else request.reply_headers)
        if told:
            advisories = request.account.advisories
            if advisories.is_heard("API"):
                client = advisories.client_info(request.source, request.told)
                advisories.api_audit(client, request.subject, request.payload, encoded)


async def _ended(task: asyncio.Task[None] | None) -> None:
    """What was asked for before has been answered."""
    if task is not None:
        await asyncio.wait([task])
