"""Acknowledgements of publishes to streams."""

from __future__ import annotations

from dataclasses import dataclass

from nats import errors as nats_errors
from pynats_common.go.quoting import quote

from pynats_cli.errors import CliError
from pynats_cli.jetstream.api import (
    NOT_ENABLED,
    Connected,
    JetStream,
    JsApiError,
    check_answer,
    parse_answer,
)
from pynats_cli.screen.human import thousands
from pynats_cli.screen.output import log


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
    answer = parse_answer(data)
    check_answer(answer)
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
    session: Connected, subject: str, body: bytes, headers: list[tuple[str, str]]
) -> bytes:
    """Publishes and waits for the answer's bytes. Raises CliError when nobody listens."""
    try:
        message = await session.request(subject, body, headers)
    except nats_errors.NoRespondersError:
        raise await _nobody_listens(session) from None
    if session.options.trace:
        log(f"<<< {message.data.decode(errors='replace')}")
    return bytes(message.data)


async def _nobody_listens(session: Connected) -> CliError:
    """No stream has the subject, or there is no JetStream at all."""
    try:
        await JetStream(session).account_info()
    except JsApiError as error:
        return error
    except (CliError, nats_errors.Error) as error:
        if str(error) == NOT_ENABLED:
            return CliError(NOT_ENABLED)
    return CliError("nats: no responders available for request")


async def js_publish(
    session: Connected, subject: str, body: bytes, headers: list[tuple[str, str]]
) -> PubAck:
    """Publishes to a stream and waits for its acknowledgement. Raises CliError."""
    return parse_pub_ack(await request_raw(session, subject, body, headers))
