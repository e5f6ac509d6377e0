"""Who answers on `$SRV`: services describe themselves to whoever asks, each instance once."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pynats_common.go.quoting import quote

from pynats_cli.documents import maybe_object
from pynats_cli.errors import CliError

if TYPE_CHECKING:
    from pynats_cli.connect.session import Session

GAP_S = 0.3
"""Nobody else answers when this long nobody has."""
NOBODY = "no service instances found"
_NAME = re.compile(r"[A-Za-z0-9_-]+\Z")
_TYPES = {verb: f"io.nats.micro.v1.{verb.lower()}_response" for verb in ("PING", "INFO", "STATS")}


@dataclass(frozen=True)
class Answer:
    """What one instance says, and how long it took."""

    content: dict[str, Any]
    rtt_s: float

    @property
    def name(self) -> str:
        return str(self.content.get("name", ""))

    @property
    def id(self) -> str:
        return str(self.content.get("id", ""))


def subject_of(verb: str, service: str = "", instance: str = "") -> str:
    """The subject of a question. Raises CliError for names that no service can have."""
    for what, name in (("service name", service), ("service ID", instance)):
        if name and not _NAME.match(name):
            raise CliError(f"invalid {what} {quote(name)}")
    return ".".join(part for part in ("$SRV", verb, service, instance) if part)


_FORMS = {
    "version": str, "description": str, "metadata": dict, "endpoints": list, "started": str,
}  # fmt: skip


async def answers(
    session: Session, verb: str, service: str = "", instance: str = "", gap_s: float | None = GAP_S
) -> AsyncGenerator[Answer, None]:
    """Answers as they come: until nobody has answered for `gap_s` after the first one, or for the
    whole timeout with None. Those of other kinds are left out."""
    subject = subject_of(verb, service, instance)
    arrived: asyncio.Queue[tuple[Any, float]] = asyncio.Queue()

    async def keep(message: Any) -> None:
        arrived.put_nowait((message, time.monotonic()))

    subscription = await session.client.subscribe(session.inbox, cb=keep)
    try:
        started = time.monotonic()
        await session.client.publish(subject, b"", reply=subscription.subject)
        await session.check()  # a question that is not allowed looks as if nobody were there
        ends = started + session.options.timeout_s
        while (left := ends - time.monotonic()) > 0:
            try:
                message, at = await asyncio.wait_for(arrived.get(), left)
            except TimeoutError:
                break
            if _is_nobody(message):
                break
            found = _read(message.data, _TYPES[verb])
            if found is not None:
                yield Answer(found, at - started)
            if gap_s is not None:
                ends = min(ends, time.monotonic() + gap_s)
    finally:
        if not session.client.is_closed:
            await subscription.unsubscribe()


def _is_nobody(message: Any) -> bool:
    return not message.data and bool(message.headers) and message.headers.get("Status") == "503"


def _read(data: bytes, kind: str) -> dict[str, Any] | None:
    found = maybe_object(data)
    return _usual(found) if found is not None and found.get("type") == kind else None


def _usual(answer: dict[str, Any]) -> dict[str, Any] | None:
    """The answer in the form of its kind; None without an identity. Whoever may answer may say
    anything, and shall not hide the others."""
    if not all(isinstance(answer.get(key), str) for key in ("name", "id")):
        return None
    made: dict[str, Any] = {
        key: value for key, value in answer.items() if isinstance(value, _FORMS.get(key, object))
    }
    if "endpoints" in made:
        made["endpoints"] = [each for each in made["endpoints"] if isinstance(each, dict)]
    return made


async def all_of(
    session: Session, verb: str, service: str = "", instance: str = ""
) -> list[dict[str, Any]]:
    """What every instance says, by name and ID."""
    async with aclosing(answers(session, verb, service, instance)) as coming:
        found = [answer async for answer in coming]
    return [item.content for item in sorted(found, key=lambda item: (item.name, item.id))]


async def first_of(session: Session, verb: str, service: str, instance: str = "") -> dict[str, Any]:
    """What the first instance says. Raises CliError when there is none."""
    async with aclosing(answers(session, verb, service, instance)) as found:
        async for answer in found:
            return answer.content
    raise CliError(NOBODY)


def endpoints_of(content: dict[str, Any], wanted: re.Pattern[str]) -> list[dict[str, Any]]:
    """The endpoints whose names match."""
    return [e for e in content.get("endpoints") or [] if wanted.search(str(e.get("name", "")))]


def subject_of_endpoint(info: dict[str, Any], endpoint: str) -> str:
    """Where an endpoint listens. Raises CliError."""
    names = [str(item.get("name", "")) for item in info.get("endpoints") or []]
    for item in info.get("endpoints") or []:
        if item.get("name") == endpoint:
            return str(item.get("subject", ""))
    raise CliError(
        f"service {quote(str(info.get('name', '')))} has no endpoint {quote(endpoint)} "
        f"(available: {', '.join(names)})"
    )
