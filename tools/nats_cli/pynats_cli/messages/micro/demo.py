"""A service for demonstrations: one endpoint that sends back what it gets.

It speaks the micro protocol itself: nats-py's service layer would hide the headers of requests.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pynats_common.go.times import format_time_ns
from pynats_common.ids.nuid import new_nuid
from pynats_common.program.version import RELEASE

from pynats_cli.errors import CliError
from pynats_cli.messages.micro.discovery import subject_of

if TYPE_CHECKING:
    from pynats_cli.connect.session import Session

GROUP = "q"
ENDPOINT = "echo"
_VERSION = "1.0.0"


@dataclass
class EchoService:
    """One instance, with what it has counted. `on_request` hears of each request's subject."""

    session: Session
    name: str
    headers: Mapping[str, str]
    on_request: Callable[[str], None]
    id: str = field(default_factory=new_nuid)
    started_ns: int = field(default_factory=time.time_ns)
    requests: int = 0
    errors: int = 0
    last_error: str = ""
    processing_ns: int = 0
    payload_bytes: int = 0
    _echoing: Any = None

    @property
    def subject(self) -> str:
        return f"{self.name}.{ENDPOINT}"

    async def start(self) -> None:
        """Listens. Raises CliError for a name that no service can have."""
        subject_of("PING", self.name)
        client = self.session.client
        for verb, says in (("PING", self.ping), ("INFO", self.info), ("STATS", self.stats)):
            for subject in (
                subject_of(verb), subject_of(verb, self.name), subject_of(verb, self.name, self.id)
            ):  # fmt: skip
                await client.subscribe(subject, cb=_told(says))
        self._echoing = await client.subscribe(self.subject, GROUP, cb=self._answer)
        await self.session.check()

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
        self.requests += 1
        self.payload_bytes += len(message.data)
        try:
            if message.reply:
                client = self.session.client
                await client.publish(message.reply, message.data, headers=Headers(pairs))
        except nats_errors.Error as error:
            self.errors += 1
            self.last_error = str(error)
        self.processing_ns += time.perf_counter_ns() - started_ns

    def _identity(self, verb: str) -> dict[str, Any]:
        return {
            "name": self.name,
            "id": self.id,
            "version": _VERSION,
            "metadata": {
                "_nats.client.created.library": "pynats",
                "_nats.client.created.version": f"v{RELEASE}",
            },
            "type": f"io.nats.micro.v1.{verb}_response",
        }

    def ping(self) -> dict[str, Any]:
        return self._identity("ping")

    def info(self) -> dict[str, Any]:
        return {
            **self._identity("info"),
            "description": f"NATS CLI Demo Service ({self.name})",
            "endpoints": [
                {
                    "name": ENDPOINT,
                    "subject": self.subject,
                    "queue_group": GROUP,
                    "metadata": None,
                }
            ],
        }

    def stats(self) -> dict[str, Any]:
        endpoint = {
            "name": ENDPOINT,
            "subject": self.subject,
            "queue_group": GROUP,
            "num_requests": self.requests,
            "num_errors": self.errors,
            "last_error": self.last_error,
            "processing_time": self.processing_ns,
            "average_processing_time": self.processing_ns // max(1, self.requests),
            "data": {"total_payload": self.payload_bytes},
        }
        started = format_time_ns(self.started_ns)
        return {**self._identity("stats"), "started": started, "endpoints": [endpoint]}


def _told(says: Callable[[], dict[str, Any]]) -> Callable[[Any], Any]:
    async def answer(message: Any) -> None:
        if message.reply:
            await message.respond(json.dumps(says()).encode())

    return answer


def demo_headers(pairs: Mapping[str, str]) -> dict[str, str]:
    """Headers of every answer. Raises CliError for those that cannot be sent."""
    for name, value in pairs.items():
        if not name.strip() or any(char in name + value for char in "\r\n"):
            raise CliError(f'invalid header "{name}:{value}"')
    return dict(pairs)
