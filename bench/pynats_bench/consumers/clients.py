"""One consumer and the connections of its clients, for the time of one run."""

from __future__ import annotations

import secrets
import socket
import time
from contextlib import ExitStack
from types import TracebackType
from typing import Any, Self

from pynats_bench.consumers.model import HEARTBEAT_NS, PULL_BODY, ConsumeLoad
from pynats_bench.engine.consume import ConsumeLoop, digest_of
from pynats_bench.model import Endpoint, LoadError
from pynats_bench.session import connect, subscribe
from pynats_bench.streams.publishing import api

SETTLE_TIMEOUT_S = 10.0


class Clients:
    """Makes the consumer (a pushing one only with `begin`, for it starts at once) and deletes it.

    `config` says the rest of the consumer's configuration, `messages` how many are to come.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        load: ConsumeLoad,
        stream: str,
        config: dict[str, Any],
        messages: int,
        *,
        stamped: bool = False,
    ) -> None:
        self._endpoint = endpoint
        self._load = load
        self._stream = stream
        self._config = config
        self._messages = messages
        self._stamped = stamped
        self._name = f"bench{secrets.token_hex(4)}"
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        try:
            self._control = self._stack.enter_context(connect(self._endpoint))
            inbox = f"_INBOX.{secrets.token_hex(8)}"
            self._inboxes = [f"{inbox}.{number}" for number in range(self._load.clients)]
            if self._load.way == "push":
                self._inboxes = [inbox] * self._load.clients
            links = [self._client(name) for name in self._inboxes]
            if self._load.way != "push":
                self._create()
            self.loop = self._loop(links)
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if kind is None:
                api(self._control, f"CONSUMER.DELETE.{self._stream}", name=self._name)
        finally:
            self._stack.close()

    def _client(self, inbox: str) -> socket.socket:
        link = self._stack.enter_context(connect(self._endpoint))
        subscribe(link, [inbox], self._load.group)
        return link

    def _create(self) -> None:
        load = self._load
        config: dict[str, Any] = {
            "name": self._name,
            "ack_policy": load.ack,
            "inactive_threshold": 60_000_000_000,
            "num_replicas": 1,
            **load.extra,
            **self._config,
        }
        if load.way == "push":
            config |= {"deliver_subject": self._inboxes[0]}
            if load.group:
                config["deliver_group"] = load.group
            if load.flow_control:
                config |= {"flow_control": True, "idle_heartbeat": HEARTBEAT_NS}
        body = {"stream_name": self._stream, "config": config, "action": "create"}
        api(self._control, f"CONSUMER.CREATE.{self._stream}", body, self._name)

    def _loop(self, links: list[socket.socket]) -> ConsumeLoop:
        load = self._load
        pulls: list[bytes] = []
        if load.way != "push":
            subject = f"$JS.API.CONSUMER.MSG.NEXT.{self._stream}.{self._name}"
            pulls = [f"PUB {subject} {inbox} ".encode() for inbox in self._inboxes]
        return ConsumeLoop(
            links,
            self._messages,
            pulls=pulls,
            before=PULL_BODY[0],
            after=PULL_BODY[1],
            batch=load.batch,
            step=load.step,
            ack_every=load.ack_every,
            stamped=self._stamped,
            patient=load.way == "push",
        )

    def begin(self) -> None:
        """Called once the loop runs."""
        if self._load.way == "push":
            self._create()

    def check(self, first: int | None, last: int) -> None:
        """Compares what came with the sequences `first` to `last` (None: not those of a range), and
        the consumer's own state. LoadError names the first difference."""
        loop, load = self.loop, self._load
        if loop.received != self._messages:
            raise LoadError(f"{loop.received} deliveries of {self._messages} messages")
        if loop.payload_bytes != self._messages * load.payload_bytes:
            raise LoadError(f"payloads of {loop.payload_bytes} bytes in all")
        if loop.disorder:
            raise LoadError(f"{loop.disorder} deliveries came out of order")
        if first is not None and loop.digest != digest_of(first, last):
            raise LoadError("the messages delivered are not those of the stream")
        if load.ack_every:
            self._check_acknowledged(last)

    def _check_acknowledged(self, last: int) -> None:
        """Acknowledgements have arrived when the PONG has, but may wait inside the server."""
        deadline = time.monotonic() + SETTLE_TIMEOUT_S
        while True:
            info = api(self._control, f"CONSUMER.INFO.{self._stream}", name=self._name)
            floor = int(info["ack_floor"]["stream_seq"])
            if (floor, info["num_ack_pending"]) == (last, 0):
                break
            if time.monotonic() > deadline:
                raise LoadError(
                    f"acknowledged up to {floor} of {last}, {info['num_ack_pending']} pending"
                )
            time.sleep(0.01)
        if info["num_redelivered"]:
            raise LoadError(f"{info['num_redelivered']} messages were delivered again")
