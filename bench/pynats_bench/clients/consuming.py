"""Clients that consume: streams and consumers exist already (`consumer_config` says how)."""

from __future__ import annotations

import secrets
import socket
from collections.abc import Sequence
from typing import Any, Required, TypedDict, Unpack

from pynats_bench.clients.bench import Bench
from pynats_bench.clients.consumer_config import (
    OLD_HEARTBEAT_NS,
    Acks,
    push_group,
    push_subject,
)
from pynats_bench.clients.model import Target
from pynats_bench.engine.consume import ConsumeLoop
from pynats_bench.model import LoadError, split
from pynats_bench.session import barrier, subscribe

BATCH = 500
EXPIRES_NS = 30_000_000_000
CONSUME_HEARTBEAT_NS = 15_000_000_000
FETCH_HEARTBEAT_NS = 5_000_000_000
OLD_EXPIRES_NS = 5_000_000_000
UNSUB_END = 1_000_000_000  # servers read nine digits, and take any more for an end at once


class Settings(TypedDict, total=False):
    """What all take besides what is theirs."""

    stream: Required[str]
    clients: Required[int]
    messages: Required[int]
    double_ack: bool
    sleep_ns: int
    timeout_s: float


class _Consuming(Bench):
    """What all have in common. `consumers` are the names of each client's consumer, or the one
    that they share. With `double_ack` a client waits for the server's answer to each
    acknowledgement, at most `timeout_s`. `sleep_ns` is the time that a client takes for a message
    before it acknowledges it."""

    PATIENT = True

    def __init__(
        self,
        target: Target,
        *,
        consumers: Sequence[str],
        acks: Acks = "none",
        **rest: Unpack[Settings],
    ) -> None:
        super().__init__(
            target,
            clients=rest["clients"],
            messages=rest["messages"],
            sleep_ns=rest.get("sleep_ns", 0),
            timeout_s=rest.get("timeout_s", 5.0),
        )
        if len(consumers) == 1:
            consumers = list(consumers) * self.clients
        if len(consumers) < self.clients:
            raise ValueError("a consumer for each client, or one for all")
        self._stream = rest["stream"]
        self._consumers = consumers
        self._acks = acks
        self._double_ack = rest.get("double_ack", False) and acks != "none"
        self._inbox = f"{target.inbox_prefix}.{secrets.token_hex(11)}"

    # Messages that were asked for come to `…<number>.d`, answers to acknowledgements to `….a`.

    def prepare(self, link: socket.socket, number: int) -> None:
        subscribe(link, [f"{self._inbox}.{number}.*"])

    def make_loop(
        self, links: Sequence[socket.socket], first: int, wanted: list[int]
    ) -> ConsumeLoop:
        numbers = range(first, first + len(links))
        answers = [f"{self._inbox}.{number}.a".encode() for number in numbers]
        return ConsumeLoop(
            list(links),
            ack_every=int(self._acks != "none"),
            confirms=answers if self._double_ack else [],
            timeout_ns=int(self.timeout_s * 1e9),
            **self._way(numbers, wanted),
        )

    def _way(self, numbers: range, wanted: list[int]) -> dict[str, Any]:
        """How messages come to these clients: what a loop is told of it."""
        raise NotImplementedError

    def _consume_loops(self) -> list[ConsumeLoop]:
        return [loop for loop in self._loops if isinstance(loop, ConsumeLoop)]

    def finish(self) -> None:
        silences = sum(loop.silences for loop in self._consume_loops())
        if silences:
            self.warnings.append(f"asked again {silences} times, for no heartbeat came")


class _Pulling(_Consuming):
    """Clients that ask for messages, at most `batch` at a time."""

    AROUND = (f'{{"expires":{EXPIRES_NS},"batch":', f',"idle_heartbeat":{CONSUME_HEARTBEAT_NS}}}')
    HEARTBEAT_NS = CONSUME_HEARTBEAT_NS

    def __init__(
        self,
        target: Target,
        *,
        consumers: Sequence[str],
        acks: Acks = "none",
        batch: int = BATCH,
        **rest: Unpack[Settings],
    ) -> None:
        super().__init__(target, consumers=consumers, acks=acks, **rest)
        if batch < 1:
            raise ValueError("a batch is of one message or more")
        self._batch = batch

    def _step(self) -> int:
        """After how many messages a client asks again: when less than half are to come."""
        return self._batch // 2 + 1

    def _way(self, numbers: range, wanted: list[int]) -> dict[str, Any]:
        api = f"{self.target.api_prefix}.CONSUMER.MSG.NEXT.{self._stream}"
        return {
            "pulls": [
                f"PUB {api}.{self._consumers[n - 1]} {self._inbox}.{n}.d ".encode() for n in numbers
            ],
            "before": self.AROUND[0].encode(),
            "after": self.AROUND[1].encode(),
            "batch": self._batch,
            "step": self._step(),
            "capped": self.SHARED,
            "heartbeat_ns": self.HEARTBEAT_NS,
        }


class ConsumeOrdered(_Pulling):
    """Each client has an ordered consumer of its own, and gets all messages. `consumers` are their
    names."""

    SHARED = False

    def _way(self, numbers: range, wanted: list[int]) -> dict[str, Any]:
        return super()._way(numbers, wanted) | {"ordered": True}


class Consume(_Pulling):
    """Clients with a callback, which share a durable consumer and ask again while messages come."""

    def __init__(
        self,
        target: Target,
        *,
        consumer: str,
        acks: Acks = "explicit",
        batch: int = BATCH,
        **rest: Unpack[Settings],
    ) -> None:
        super().__init__(target, consumers=[consumer], acks=acks, batch=batch, **rest)


class Fetch(Consume):
    """Clients that fetch batch after batch; an operation is the time until a whole batch is there.
    A fetch that brings nothing ends the run."""

    AROUND = (f'{{"expires":{EXPIRES_NS},"batch":', f',"idle_heartbeat":{FETCH_HEARTBEAT_NS}}}')
    HEARTBEAT_NS = FETCH_HEARTBEAT_NS

    def _step(self) -> int:
        return self._batch

    def _way(self, numbers: range, wanted: list[int]) -> dict[str, Any]:
        empty = f"fetching from the consumer '{self._consumers[0]}' returned no messages"
        return super()._way(numbers, wanted) | {"empty": empty.encode()}

    def make_loop(
        self, links: Sequence[socket.socket], first: int, wanted: list[int]
    ) -> ConsumeLoop:
        loop = super().make_loop(links, first, wanted)
        loop.measure()
        return loop


class OldPull(Consume):
    """Clients of the older API that fetch batch after batch. A fetch that brings nothing is warned
    of, and made again."""

    AROUND = (f'{{"expires":{OLD_EXPIRES_NS},"batch":', ',"no_wait":true}')
    HEARTBEAT_NS = 0

    def _step(self) -> int:
        return self._batch

    def finish(self) -> None:
        super().finish()
        empties = sum(loop.empties for loop in self._consume_loops())
        if empties:
            self.warnings.append(f"Fetch timeout! ({empties} times)")


class OldPush(_Consuming):
    """Clients of the older API to which a durable consumer pushes, each message to one of them.

    What it pushes while a client is not there yet can be more than the others have to take, and is
    then lost, or late by the time to acknowledge. Therefore, with `exists` false, make the consumer
    when the clients are connected: in the `with` block, before `run`.
    """

    def __init__(
        self,
        target: Target,
        *,
        consumer: str,
        acks: Acks = "explicit",
        exists: bool = True,
        **rest: Unpack[Settings],
    ) -> None:
        super().__init__(target, consumers=[consumer], acks=acks, **rest)
        self._exists = exists
        line = f"SUB {push_subject(consumer)} {push_group(consumer)} 2\r\n"
        self._openings = [
            (line + f"UNSUB 2 {messages}\r\n" * (0 < messages < UNSUB_END)).encode()
            for messages in split(self.messages, self.clients)
        ]

    def prepare(self, link: socket.socket, number: int) -> None:
        super().prepare(link, number)
        if not self._exists:
            try:
                link.sendall(self._openings[number - 1])
            except OSError as error:
                raise LoadError(f"the connection failed: {error}") from None
            barrier(link)

    def _way(self, numbers: range, wanted: list[int]) -> dict[str, Any]:
        if not self._exists:
            return {}
        return {"openings": [self._openings[number - 1] for number in numbers]}


class OldOrdered(_Consuming):
    """Clients of the older API, each with an ordered consumer of its own that pushes all messages
    to its inbox."""

    SHARED = False

    def __init__(
        self,
        target: Target,
        *,
        consumers: Sequence[str],
        inboxes: Sequence[str],
        **rest: Unpack[Settings],
    ) -> None:
        super().__init__(target, consumers=consumers, **rest)
        if len(inboxes) != self.clients:
            raise ValueError("an inbox for each client")
        self._inboxes = inboxes

    def _way(self, numbers: range, wanted: list[int]) -> dict[str, Any]:
        return {
            "openings": [f"SUB {self._inboxes[n - 1]} 2\r\n".encode() for n in numbers],
            "heartbeat_ns": OLD_HEARTBEAT_NS,
            "ordered": True,
        }
