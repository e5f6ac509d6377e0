"""A service for demonstrations: one endpoint that sends back what it gets.

It speaks the micro protocol itself: nats-py's service layer would hide the headers of requests.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from pynats_common.program.version import RELEASE

from pynats_cli.errors import CliError
from pynats_cli.messages.micro.instances import Instance, Work, announce

if TYPE_CHECKING:
    from pynats_cli.connect.session import Session

GROUP = "q"
ENDPOINT = "echo"


@dataclass
class EchoService:
    """One instance, with what it has counted. `on_request` hears of each request's subject."""

    session: Session
    name: str
    headers: Mapping[str, str]
    on_request: Callable[[str], None]
    done: Work = field(default_factory=Work)
    payload_bytes: int = 0
    _echoing: Any = None

    @property
    def subject(self) -> str:
        return f"{self.name}.{ENDPOINT}"

    async def start(self) -> None:
        """Listens. Raises CliError for a name that no service can have."""
        instance = Instance(
            name=self.name,
            endpoint=ENDPOINT,
            subject=self.subject,
            group=GROUP,
            description=f"NATS CLI Demo Service ({self.name})",
            metadata={
                "_nats.client.created.library": "pynats",
                "_nats.client.created.version": f"v{RELEASE}",
            },
        )
        await announce(self.session, [instance], self._work)
        client = self.session.client
        self._echoing = await client.subscribe(self.subject, GROUP, cb=self._answer)
        await self.session.check()

    def _work(self) -> list[Work]:
        return [replace(self.done, data={"total_payload": self.payload_bytes})]

    async def stop(self) -> None:
        """Answers what has arrived, and no more."""
        await self._echoing.drain()
        await self.session.flush()

    async def _answer(self, message: Any) -> None:
        from nats import errors as nats_errors

        from pynats_cli.connect.headers import Headers, header_pairs
        from pynats_cli.connect.session import connected_to

        started_ns = time.perf_counter_ns()
        self.on_request(message.subject)
        pairs = [
            *header_pairs(message), *self.headers.items(),
            ("ConnectedUrl", connected_to(self.session.client)), ("Handler", str(os.getpid())),
            ("Subject", message.subject),
            ("Timestamp", time.strftime("%Y-%m-%d %H:%M:%S")),
        ]  # fmt: skip
        self.done.requests += 1
        self.payload_bytes += len(message.data)
        try:
            if message.reply:
                client = self.session.client
                await client.publish(message.reply, message.data, headers=Headers(pairs))
        except nats_errors.Error as error:
            self.done.errors += 1
            self.done.last_error = str(error)
        self.done.processing_ns += time.perf_counter_ns() - started_ns


def demo_headers(pairs: Mapping[str, str]) -> dict[str, str]:
    """Headers of every answer. Raises CliError for those that cannot be sent."""
    for name, value in pairs.items():
        if not name.strip() or any(char in name + value for char in "\r\n"):
            raise CliError(f'invalid header "{name}:{value}"')
    return dict(pairs)
