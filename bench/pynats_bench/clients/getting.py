"""Clients that get stored messages, by sequence, in batches or by key."""

from __future__ import annotations

import json
import secrets
import socket
from abc import abstractmethod
from collections.abc import Sequence
from itertools import accumulate
from typing import Any, ClassVar, Literal

from pynats_bench.clients.bench import Bench
from pynats_bench.clients.model import Target
from pynats_bench.engine.gets import GetLoop
from pynats_bench.model import split
from pynats_bench.session import subscribe

SEED_BITS = 63


def _quoted(text: str) -> bytes:
    return json.dumps(text).encode()


class Getting(Bench):
    """What both kinds of gets have in common; an operation is a request and its whole answer.

    `direct`: the stream allows direct gets; else they go through the API.
    """

    def __init__(self, target: Target, *, direct: bool = True, **settings: Any) -> None:
        super().__init__(target, **settings)
        self._direct = direct
        self._inboxes = [
            f"{target.inbox_prefix}.{secrets.token_hex(8)}" for _ in range(self.clients)
        ]

    def prepare(self, link: socket.socket, number: int) -> None:
        subscribe(link, [self._inboxes[number - 1]])

    def make_loop(self, links: Sequence[socket.socket], first: int, wanted: list[int]) -> GetLoop:
        inboxes = self._inboxes[first - 1 : first - 1 + len(links)]
        loop = self._loop(list(links), [inbox.encode() for inbox in inboxes], first - 1)
        loop.measure()
        return loop

    def _api(self, stream: str) -> bytes:
        verb = "DIRECT.GET" if self._direct else "STREAM.MSG.GET"
        return f"{self.target.api_prefix}.{verb}.{stream}".encode()

    @abstractmethod
    def _loop(self, links: list[socket.socket], inboxes: list[bytes], first: int) -> GetLoop:
        """The loop of the clients from number `first` on, counted from 0."""


class GetMessages(Getting):
    """Gets messages of `stream`, each client all of them.

    - `sync`: one after the other, from the sequence `first` on; each must be there.
    - `batch`: `batch` messages to a request that match `filter`; only from streams that allow
      direct gets. A batch that is shorter is a warning, one without messages an error.
    """

    SHARED: ClassVar[bool] = False

    def __init__(
        self,
        target: Target,
        *,
        stream: str,
        mode: Literal["sync", "batch"] = "sync",
        batch: int = 500,
        filter: str = ">",
        first: int = 1,
        direct: bool = True,
        **settings: Any,
    ) -> None:
        super().__init__(target, direct=direct or mode == "batch", **settings)
        if batch < 1:
            raise ValueError("a batch has a message")
        self._stream = stream
        self._mode = mode
        self._batch = batch
        self._filter = filter
        self._first = first

    def _loop(self, links: list[socket.socket], inboxes: list[bytes], first: int) -> GetLoop:
        subject = self._api(self._stream)
        if self._mode == "sync":
            return GetLoop(
                links,
                subject,
                inboxes,
                (b'{"seq":', b"", b"}"),
                base=self._first,
                direct=self._direct,
                what=b"getting message sequence number %llu from the stream",
            )
        return GetLoop(
            links,
            subject,
            inboxes,
            (b'{"seq":', b',"next_by_subj":' + _quoted(self._filter) + b',"batch":', b"}"),
            base=self._first,
            batch=self._batch,
            follow=True,
            what=b"getting message from the stream",
            missing=b"no messages",
        )

    def finish(self) -> None:
        short = sum(loop.short_batches for loop in self._loops if isinstance(loop, GetLoop))
        if short:
            what = "batches were" if short > 1 else "batch was"
            self.warnings.append(
                f"{short} {what} shorter than the {self._batch} messages that were asked for"
            )


class GetKeys(Getting):
    """Gets the keys 0, 1, … of a bucket, or with `randomize` random ones below it. A key that is
    not there ends the run."""

    def __init__(self, target: Target, *, bucket: str, randomize: int = 0, **settings: Any) -> None:
        super().__init__(target, **settings)
        self._bucket = bucket
        self._randomize = randomize

    def _loop(self, links: list[socket.socket], inboxes: list[bytes], first: int) -> GetLoop:
        subject, key = self._api(f"KV_{self._bucket}"), f"$KV.{self._bucket}."
        starts = list(accumulate(split(self.messages, self.clients), initial=0))
        body: tuple[bytes, bytes, bytes] | tuple[()] = ()
        if self._direct:
            subject += f".{key}".encode()
        else:
            body = (b'{"last_by_subj":' + _quoted(key)[:-1], b"", b'"}')
        return GetLoop(
            links,
            subject,
            inboxes,
            body,
            offsets=starts[first : first + len(links)],
            span=self._randomize,
            randomized=self._randomize > 0,
            seeds=[secrets.randbits(SEED_BITS) for _ in links],
            direct=self._direct,
            keys=True,
            what=b"getting key '%llu'",
            missing=b"key not found",
        )
