"""Sends many messages in few writes."""

from __future__ import annotations

from collections.abc import Sequence

from nats import errors as nats_errors

from pynats_cli.connect.natspy.batches import BLOCK_BYTES, frame
from pynats_cli.connect.session import Session
from pynats_cli.errors import CliError
from pynats_cli.messages.publisher.source import MessageSource
from pynats_cli.template.messages import has_template, parse_headers

_MESSAGES_MAX = 10_000
"""Messages in one block: a bar moves after each."""


class Blocks:
    """Messages with one body, numbered for its templates."""

    def __init__(
        self,
        session: Session,
        source: MessageSource,
        headers: Sequence[str],
        reply: str,
        body: str,
    ) -> None:
        self._session = session
        self._source = source
        self._headers = headers
        self._reply = reply.encode()
        self._body = body
        varies = source.templates and (has_template(body) or has_template(source.subject))
        varies = varies or any(has_template(header) for header in headers)
        self._constant = b"" if varies else self._frame(1)

    async def send(self, first: int, most: int) -> int:
        """Sends one block of messages from number `first` on; how many they were."""
        client = self._session.client
        if self._constant:
            count = max(min(most, _MESSAGES_MAX, BLOCK_BYTES // len(self._constant)), 1)
            block = self._constant * count
        else:
            frames: list[bytes] = []
            size = 0
            while size < BLOCK_BYTES and len(frames) < min(most, _MESSAGES_MAX):
                frames.append(self._frame(first + len(frames)))
                size += len(frames[-1])
            count, block = len(frames), b"".join(frames)
        await client.send_block(block)
        return count

    def _frame(self, number: int) -> bytes:
        data, subject = self._source.expand(self._body, number)
        if len(data) > self._session.client.max_payload:
            raise nats_errors.MaxPayloadError
        headers = parse_headers(self._headers, number)
        if not subject:
            raise CliError("nats: invalid subject")
        return frame(subject.encode(), self._reply, headers, data)
