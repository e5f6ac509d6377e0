"""Clients that publish into a stream or a bucket and wait for its acknowledgements."""

from __future__ import annotations

import secrets
import socket
import time
from collections.abc import Sequence
from itertools import accumulate
from typing import Any, Literal

from pynats_bench.clients.bench import Bench
from pynats_bench.clients.frames import content, header_block
from pynats_bench.clients.model import Target
from pynats_bench.engine.acked import AckPublishLoop
from pynats_bench.engine.fast import FastPublishLoop
from pynats_bench.engine.frames import Frames
from pynats_bench.model import split
from pynats_bench.session import subscribe

Mode = Literal["sync", "async", "atomic", "fast"]
API_PREFIX = "$JS.API"
FLOW_MAX = 65_535
SEED_BITS = 63


class PublishStored(Bench):
    """Publishes `payload`, or `size` bytes, to `subject`, all acknowledged. An operation is

    - `sync`: a message and its acknowledgement;
    - `async`: `batch` messages and all their acknowledgements, before the next are sent;
    - `atomic`: an atomic batch of so many messages, and its one acknowledgement;
    - `fast`: as many messages of a client's one fast batch as may be without acknowledgement,
      which comes for every `batch` messages and may be missing `max_outstanding_acks` times.

    With `subjects` the number of each message, modulo so many (0: as it is), is a token behind
    `subject`; `randomize`: a random one of them. `dedup` gives each message an id that
    begins with `run_id`. An acknowledgement that is an error ends the run; messages that the server
    takes for duplicates are a warning.
    """

    def __init__(
        self,
        target: Target,
        *,
        subject: str,
        size: int = 128,
        payload: bytes | None = None,
        headers: Sequence[tuple[str, str]] = (),
        mode: Mode = "sync",
        batch: int = 500,
        max_outstanding_acks: int = 1,
        subjects: int | None = None,
        randomize: bool = False,
        dedup: bool = False,
        run_id: str = "",
        **settings: Any,
    ) -> None:
        super().__init__(target, **settings)
        if batch < 1 or max_outstanding_acks < 1:
            raise ValueError("a batch has a message, and an acknowledgement is outstanding")
        if mode == "fast" and batch > FLOW_MAX:
            raise ValueError(f"the server acknowledges after {FLOW_MAX:,} messages at most")
        if subjects is not None and subjects < 0:
            raise ValueError("there is no negative number of subjects")
        self._mode = mode
        self._batch = batch
        self._outstanding = max_outstanding_acks
        self._run_id = (run_id or f"{time.time_ns() // 1_000_000:x}") if dedup else ""
        self._inboxes = [
            f"{target.inbox_prefix}.{secrets.token_hex(8)}" for _ in range(self.clients)
        ]
        body, time_at = content(size, payload)
        self._frames = Frames(
            (subject if subjects is None else f"{subject}.").encode(),
            body,
            header_block(headers),
            **self._numbers(subjects, randomize),
            time_at=time_at,
        )

    def _numbers(self, subjects: int | None, randomize: bool) -> dict[str, Any]:
        """How the number is written behind the subject, and which."""
        if subjects is None:
            return {}
        limit = subjects or (self.messages if randomize else 0)
        return {
            "width": len(str(subjects)),
            "modulus": limit,
            "randomized": randomize and limit > 0,
        }

    def prepare(self, link: socket.socket, number: int) -> None:
        # A fast batch's reply subjects have several tokens behind the inbox.
        subscribe(link, [f"{self._inboxes[number - 1]}.>"])

    def make_loop(
        self, links: Sequence[socket.socket], first: int, wanted: list[int]
    ) -> AckPublishLoop:
        numbers = range(first - 1, first - 1 + len(links))
        inboxes = [self._inboxes[number] for number in numbers]
        starts = list(accumulate(split(self.messages, self.clients), initial=0))
        firsts = [starts[number] for number in numbers]
        ids = [f"{self._run_id}-{number}-".encode() for number in numbers] if self._run_id else None
        seeds = [secrets.randbits(SEED_BITS) for _ in numbers]
        loop = self._loop(list(links), inboxes, firsts, ids, seeds)
        loop.measure()
        return loop

    def _loop(
        self,
        links: list[socket.socket],
        inboxes: list[str],
        firsts: list[int],
        ids: list[bytes] | None,
        seeds: list[int],
    ) -> AckPublishLoop:
        if self._mode == "fast":
            # The last token of the inbox is the id of the batch.
            replies = [f"{inbox}.{self._batch}.fail.".encode() for inbox in inboxes]
            return FastPublishLoop(
                links, self._frames, replies, self._batch, self._outstanding, firsts, ids, seeds
            )
        atomic = self._mode == "atomic"
        return AckPublishLoop(
            links,
            self._frames,
            [f"{inbox}.".encode() for inbox in inboxes],
            self._batch if self._mode == "async" else 1,
            whole=True,
            batch=self._batch if atomic else 1,
            firsts=firsts,
            message_ids=ids,
            batch_ids=[f"{secrets.token_hex(8)}-".encode() for _ in links] if atomic else None,
            seeds=seeds,
        )

    def finish(self) -> None:
        duplicates = sum(
            loop.duplicates for loop in self._loops if isinstance(loop, AckPublishLoop)
        )
        if duplicates:
            what = "message was" if duplicates == 1 else "messages were"
            self.warnings.append(f"{duplicates} {what} not stored: taken for duplicates")


class PutKeys(PublishStored):
    """Puts `payload`, or `size` bytes, to the keys 0, 1, … of a bucket, or with `randomize` to
    random ones below it. An operation is a put."""

    def __init__(
        self,
        target: Target,
        *,
        bucket: str,
        size: int = 128,
        payload: bytes | None = None,
        randomize: int = 0,
        **settings: Any,
    ) -> None:
        # In another domain, or behind another prefix, keys are where the API is.
        prefix = "" if target.api_prefix == API_PREFIX else f"{target.api_prefix}."
        super().__init__(
            target,
            subject=f"{prefix}$KV.{bucket}",
            size=size,
            payload=payload,
            subjects=randomize,
            randomize=randomize > 0,
            **settings,
        )

    def _numbers(self, subjects: int | None, randomize: bool) -> dict[str, Any]:
        return super()._numbers(subjects, randomize) | {"width": 0}
