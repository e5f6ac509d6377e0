"""Instances of a service that this process is: what they say of themselves on `$SRV`."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pynats_common.go.times import format_time_ns
from pynats_common.ids.nuid import new_nuid

from pynats_cli.messages.micro.discovery import subject_of

if TYPE_CHECKING:
    from pynats_cli.connect.session import Session

VERBS = ("PING", "INFO", "STATS")


@dataclass(kw_only=True)
class Work:
    """What an endpoint has done. `data` is what only its service knows the meaning of."""

    requests: int = 0
    errors: int = 0
    last_error: str = ""
    processing_ns: int = 0
    data: Mapping[str, Any] | None = None


@dataclass(kw_only=True)
class Instance:
    """One instance, with one endpoint."""

    name: str
    endpoint: str
    subject: str
    group: str
    version: str = "1.0.0"
    description: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)
    id: str = field(default_factory=new_nuid)
    started_ns: int = field(default_factory=time.time_ns)

    def answer(self, verb: str, work: Work) -> dict[str, Any]:
        """What it says when it is asked."""
        said: dict[str, Any] = {
            "name": self.name,
            "id": self.id,
            "version": self.version,
            "metadata": self.metadata,
            "type": f"io.nats.micro.v1.{verb.lower()}_response",
        }
        endpoint: dict[str, Any] = {
            "name": self.endpoint, "subject": self.subject, "queue_group": self.group,
        }  # fmt: skip
        if verb == "INFO":
            said["description"] = self.description
            said["endpoints"] = [{**endpoint, "metadata": None}]
        elif verb == "STATS":
            endpoint |= {
                "num_requests": work.requests,
                "num_errors": work.errors,
                "last_error": work.last_error,
                "processing_time": work.processing_ns,
                "average_processing_time": work.processing_ns // max(1, work.requests),
            }
            if work.data is not None:
                endpoint["data"] = work.data
            said["started"] = format_time_ns(self.started_ns)
            said["endpoints"] = [endpoint]
        return said


async def announce(
    session: Session, instances: Sequence[Instance], work: Callable[[], Sequence[Work]]
) -> None:
    """From now on they answer questions; `work` says what each has done. All are instances of one
    service. Raises CliError for a name that no service can have."""

    def told(verb: str, some: slice) -> Callable[[Any], Any]:
        async def answer(message: Any) -> None:
            if not message.reply:
                return
            for instance, done in zip(instances[some], work()[some], strict=True):
                await message.respond(json.dumps(instance.answer(verb, done)).encode())

        return answer

    name = instances[0].name
    for verb in VERBS:
        await session.client.subscribe(subject_of(verb), cb=told(verb, slice(None)))
        await session.client.subscribe(subject_of(verb, name), cb=told(verb, slice(None)))
        for at, instance in enumerate(instances):
            subject = subject_of(verb, name, instance.id)
            await session.client.subscribe(subject, cb=told(verb, slice(at, at + 1)))
