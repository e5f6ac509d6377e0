"""What is asked of a server about consumers, beyond what `JetStream` has for all commands."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from pynats_common.go.quoting import quote
from pynats_common.go.times import ZERO_TIME

from pynats_cli.connect.session import Session
from pynats_cli.errors import CliError
from pynats_cli.jetstream.api import CONSUMER_NOT_FOUND, STREAM_NOT_FOUND, JsApiError
from pynats_cli.jetstream.consumers.configure import Config

ALREADY_EXISTS = (10013, 10148)
_UNUSABLE = " .*>/\\\t\r\n"


def check_names(stream: str, consumer: str = "") -> None:
    """Raises CliError for names that cannot be part of a subject."""
    for what, name in (("stream", stream), ("consumer", consumer)):
        if any(char in _UNUSABLE for char in name):
            raise CliError(f"{quote(name)} is not a valid {what} name")


async def load(session: Session, stream: str, consumer: str) -> dict[str, Any]:
    """Information of a consumer that has to exist. Raises CliError."""
    check_names(stream, consumer)
    try:
        return _shown(await session.js.consumer_info(stream, consumer))
    except JsApiError as error:
        if error.code == CONSUMER_NOT_FOUND:
            raise CliError(
                f"could not select Consumer: unknown consumer {quote(stream)} > {quote(consumer)}"
            ) from None
        if error.code == STREAM_NOT_FOUND:
            raise CliError(f"stream {quote(stream)} not found") from None
        raise


@dataclass
class Listing:
    """A stream's consumers, and those that no server told about."""

    consumers: list[dict[str, Any]] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    offline: dict[str, str] = field(default_factory=dict)


async def listing(session: Session, stream: str) -> Listing:
    """All consumers of a stream, sorted by name. Raises CliError."""
    check_names(stream)
    found = Listing()
    offset = 0
    while True:
        page = await session.js.request(f"CONSUMER.LIST.{stream}", {"offset": offset})
        consumers = page.get("consumers") or []
        found.consumers += consumers
        found.missing += page.get("missing") or []
        found.offline |= page.get("offline") or {}
        offset += len(consumers)
        if not consumers or offset >= int(page.get("total") or 0):
            break
    found.consumers.sort(key=lambda info: str(info["name"]))
    return found


async def create(session: Session, stream: str, config: Config) -> dict[str, Any]:
    """Creates a consumer; one that exists with other settings is an error, not a change."""
    try:
        return await _put(session, stream, config, "create")
    except JsApiError as error:
        if error.code in ALREADY_EXISTS:
            name = f"{stream} > {config.get('name', '')}"
            raise CliError(
                f"consumer {name} already exists with other settings, `consumer edit` changes it "
                f"({error.code})"
            ) from None
        raise CliError(f"Consumer creation failed: {error}") from None


async def update(session: Session, stream: str, config: Config) -> dict[str, Any]:
    """Changes a consumer that exists."""
    return await _put(session, stream, config, "update")


async def _put(session: Session, stream: str, config: Config, action: str) -> dict[str, Any]:
    request = {"stream_name": stream, "config": config, "action": action}
    answer = await session.js.request(f"CONSUMER.CREATE.{stream}.{config['name']}", request)
    return _shown(answer)


def _shown(answer: dict[str, Any]) -> dict[str, Any]:
    """What an answer tells, in the shape of `nats`: without what kind of answer it is, and with
    the time of a pause that there is not."""
    shown = {name: value for name, value in answer.items() if name != "type"}
    shown["config"] = {"pause_until": ZERO_TIME, **shown["config"]}
    return shown


async def delete(session: Session, stream: str, consumer: str) -> None:
    """Removes a consumer. Raises CliError."""
    check_names(stream, consumer)
    await session.js.request(f"CONSUMER.DELETE.{stream}.{consumer}")


async def pause(session: Session, stream: str, consumer: str, until: str) -> dict[str, Any]:
    """Pauses until an RFC 3339 time, resumes without one."""
    request = {"pause_until": until} if until else None
    return await session.js.request(f"CONSUMER.PAUSE.{stream}.{consumer}", request)


async def reset(session: Session, stream: str, consumer: str, sequence: int) -> dict[str, Any]:
    """Delivers again from a sequence, from the acknowledged ones on for 0."""
    request = {"seq": sequence} if sequence else {}
    return _shown(await session.js.request(f"CONSUMER.RESET.{stream}.{consumer}", request))


async def unpin(session: Session, stream: str, consumer: str, group: str) -> None:
    """Lets another client be the pinned one of a group. Raises CliError."""
    await session.js.request(f"CONSUMER.UNPIN.{stream}.{consumer}", {"group": group})


async def step_down(session: Session, stream: str, consumer: str, preferred: str) -> None:
    """Lets another server lead, this one if it is named. Raises CliError."""
    request = {"placement": {"preferred": preferred}} if preferred else None
    await session.js.request(f"CONSUMER.LEADER.STEPDOWN.{stream}.{consumer}", request)


async def evacuate(session: Session, stream: str, consumer: str, peer: str) -> None:
    """Moves a consumer off a server. Raises CliError."""
    await session.js.request(f"CONSUMER.PEER.EVACUATE.{stream}.{consumer}", {"peer": peer})
