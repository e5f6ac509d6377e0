"""Messages that say when they were sent, on their way from one connection to another."""

from __future__ import annotations

import asyncio
import secrets
import time
from dataclasses import dataclass, field
from typing import Any

from pynats_cli.connect.session import Session
from pynats_cli.errors import CliError

STAMP_BYTES = 8
_PAUSE_S = 0.001
_LATE_S = 5.0
"""For what is still on its way after the last message was sent."""


@dataclass
class Flight:
    """A test: what is sent, and what has arrived. Times in nanoseconds since `began_ns`."""

    size: int
    rate: int
    seconds: float
    latencies: list[int] = field(default_factory=list)
    sent: int = 0
    began_ns: int = 0
    first_sent_ns: int = 0
    last_sent_ns: int = 0
    last_received_ns: int = 0

    @property
    def planned(self) -> int:
        """Messages of the whole test."""
        return max(1, int(self.rate * self.seconds))

    async def fly(self, sender: Session, receiver: Session) -> None:
        """Sends and receives. Raises CliError when messages are lost."""
        subject = receiver.inbox
        done = asyncio.Event()

        async def arrived(message: Any) -> None:
            now = time.perf_counter_ns()
            self.latencies.append(now - int.from_bytes(message.data[:STAMP_BYTES], "little"))
            self.last_received_ns = now - self.began_ns
            if len(self.latencies) >= self.planned:
                done.set()

        await receiver.client.subscribe(subject, cb=arrived)
        await receiver.check()
        await self._until_known(sender, receiver, subject)
        self.began_ns = time.perf_counter_ns()
        await self._send(sender, subject)
        await sender.flush()
        try:
            await asyncio.wait_for(done.wait(), max(_LATE_S, sender.options.timeout_s))
        except TimeoutError:
            await sender.check()
            raise CliError(
                f"only {len(self.latencies):,} of {self.sent:,} messages have arrived: "
                "are the two servers connected, and in one account?"
            ) from None

    async def _until_known(self, sender: Session, receiver: Session, subject: str) -> None:
        """Waits until what is published on the one server reaches the other one."""
        probe = f"{subject}.probe"
        subscription = await receiver.client.subscribe(probe)
        await receiver.flush()
        ends = time.monotonic() + sender.options.timeout_s
        while time.monotonic() < ends:
            await sender.client.publish(probe, b"")
            try:
                await subscription.next_msg(timeout=0.1)
            except TimeoutError:
                await sender.check()
                continue
            await subscription.unsubscribe()
            return
        raise CliError("messages of the first server do not reach the second one")

    async def _send(self, sender: Session, subject: str) -> None:
        padding = secrets.token_bytes(self.size - STAMP_BYTES)
        while self.sent < self.planned:
            passed_s = (time.perf_counter_ns() - self.began_ns) / 1e9
            due = min(self.planned, int(passed_s * self.rate) + 1)
            for _ in range(due - self.sent):
                now = time.perf_counter_ns()
                stamp = now.to_bytes(STAMP_BYTES, "little")
                await sender.client.publish(subject, stamp + padding)
                self.last_sent_ns = now - self.began_ns
                self.first_sent_ns = self.first_sent_ns or self.last_sent_ns
                self.sent += 1
            await asyncio.sleep(_PAUSE_S)
