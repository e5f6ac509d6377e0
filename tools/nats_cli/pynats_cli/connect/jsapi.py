"""JetStream requests over a plain NATS connection: API calls, publish acknowledgements.

Uses the wire format (JSON over `$JS.API.>`), because nats-py's JetStream layer hides fields that
the command line shows and lacks the newest ones.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from nats import errors as nats_errors
from pynats_common.go.quoting import quote

from pynats_cli.connect.connection import Headers, Session
from pynats_cli.errors import CliError
from pynats_cli.screen.output import log, thousands

CONSUMER_NOT_FOUND = 10014


class JsApiError(CliError):
    """An error answer of the JetStream API; `code` is its err_code."""

    def __init__(self, description: str, code: int) -> None:
        super().__init__(f"{description} ({code})" if code else description)
        self.code = code


def _raise_error(answer: dict[str, Any]) -> None:
    error = answer.get("error")
    if isinstance(error, dict):
        description = str(error.get("description") or "unknown JetStream Error")
        raise JsApiError(description, int(error.get("err_code") or 0))


async def js_request(
    session: Session, subject: str, request: dict[str, Any] | None = None
) -> dict[str, Any]:
    """Answer of an API call; `subject` is the part after the prefix. Raises CliError."""
    subject = f"{session.jetstream_prefix()}.{subject}"
    payload = json.dumps(request).encode() if request is not None else b""
    if session.options.trace:
        log(f">>> {subject}\n{payload.decode()}\n")
    try:
        message = await session.client.request(subject, payload, timeout=session.options.timeout_s)
    except nats_errors.NoRespondersError:
        raise CliError("JetStream is not available: no responders for request") from None
    if session.options.trace:
        log(f"<<< {subject}: {message.data.decode(errors='replace')}")
    answer = _parse(message.data)
    _raise_error(answer)
    return answer


def _parse(data: bytes) -> dict[str, Any]:
    try:
        answer = json.loads(data)
    except ValueError:
        answer = None
    if not isinstance(answer, dict):
        raise CliError("invalid JSON in the answer of JetStream")
    return answer


async def require_api_level(session: Session, level: int, reason: str) -> None:
    """Raises CliError with `reason` when the server's JetStream is older than `level`."""
    info = await js_request(session, "INFO")
    if int(info.get("api", {}).get("level", 0) or 0) < level:
        raise CliError(reason)


async def stream_for_subject(session: Session, subject: str) -> str:
    """Name of the stream that holds a subject, "" when there is none."""
    answer = await js_request(session, "STREAM.NAMES", {"subject": subject})
    names = answer.get("streams") or []
    return str(names[0]) if names else ""


async def stream_info(session: Session, stream: str) -> dict[str, Any]:
    """Configuration and state of a stream. Raises CliError."""
    if not stream or any(char in stream for char in " .*>\t\r\n"):
        raise CliError(f"{quote(stream)} is not a valid stream name")
    return await js_request(session, f"STREAM.INFO.{stream}")


@dataclass(frozen=True)
class PubAck:
    """A stream's answer to a publish."""

    stream: str
    sequence: int
    domain: str = ""
    duplicate: bool = False
    value: str = ""
    batch_id: str = ""
    batch_size: int = 0

    def describe(self) -> str:
        """The line `pub --jetstream` shows."""
        text = f"Stored in Stream: {self.stream} Sequence: {thousands(self.sequence)}"
        text += self._domain_text()
        if self.duplicate:
            text += " Duplicate: true"
        return text + self._value_text()

    def describe_batch(self) -> str:
        """The line `pub --atomic` shows."""
        return (
            f"Wrote batch ID: {self.batch_id} Messages: {thousands(self.batch_size)} "
            f"Sequence: {thousands(self.sequence)}{self._domain_text()}{self._value_text()}"
        )

    def _domain_text(self) -> str:
        return f" Domain: {quote(self.domain)}" if self.domain else ""

    def _value_text(self) -> str:
        return f" Counter Value: {self.value}" if self.value else ""


def parse_pub_ack(data: bytes) -> PubAck:
    """The acknowledgement in an answer. Raises JsApiError or CliError."""
    answer = _parse(data)
    _raise_error(answer)
    if not answer.get("stream"):
        raise CliError("invalid publish acknowledgement received")
    return PubAck(
        stream=str(answer["stream"]),
        sequence=int(answer.get("seq", 0)),
        domain=str(answer.get("domain", "")),
        duplicate=bool(answer.get("duplicate", False)),
        value=str(answer.get("val", "")),
        batch_id=str(answer.get("batch", "")),
        batch_size=int(answer.get("count", 0)),
    )


async def request_raw(
    session: Session, subject: str, body: bytes, headers: list[tuple[str, str]]
) -> bytes:
    """Publishes and waits for the answer's bytes. Raises CliError when nobody listens."""
    try:
        message = await session.client.request(
            subject,
            body,
            timeout=session.options.timeout_s,
            headers=Headers(headers) if headers else None,
        )
    except nats_errors.NoRespondersError:
        raise CliError("nats: no responders available for request") from None
    if session.options.trace:
        log(f"<<< {message.data.decode(errors='replace')}")
    return bytes(message.data)


async def js_publish(
    session: Session, subject: str, body: bytes, headers: list[tuple[str, str]]
) -> PubAck:
    """Publishes to a stream and waits for its acknowledgement. Raises CliError."""
    return parse_pub_ack(await request_raw(session, subject, body, headers))
