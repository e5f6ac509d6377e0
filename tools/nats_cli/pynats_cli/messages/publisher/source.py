"""The messages of `publish` and `request`: argument or standard input, templates, counting."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import AsyncIterator
from dataclasses import dataclass

from pynats_common.go.quoting import quote
from pynats_common.go.text import bytes_of, raw_text
from pynats_common.subjects import has_wildcard, is_valid_subject

from pynats_cli.errors import CliError
from pynats_cli.flags import Input, SendOn
from pynats_cli.template.errors import TemplateError
from pynats_cli.template.messages import expand

PROGRESS_ABOVE = 20
"""Counts above this show a progress bar instead of a line for each message."""
_CHUNKS_AHEAD_MAX = 100
_CHUNK_BYTES = 65_536


@dataclass(frozen=True)
class MessageSource:
    """Bodies to send: one from the command line, or those in standard input."""

    subject: str
    body: str | None
    force_stdin: bool = False
    send_on: SendOn = "eof"
    templates: bool = True
    allow_wildcards: bool = False

    @classmethod
    def of(cls, subject: str, body: str | None, flags: Input) -> MessageSource:
        """What the flags of a command that sends say."""
        return cls(
            subject, body, flags.force_stdin, flags.send_on, flags.templates, flags.allow_wildcards
        )

    @property
    def uses_stdin(self) -> bool:
        """True without a body, when input is piped, forced, or both ends are a terminal."""
        if self.body is not None:
            return False
        return self.force_stdin or not os.isatty(0) or os.isatty(1)

    async def bodies(self) -> AsyncIterator[str]:
        """Yields each body; bytes that are not text become surrogates."""
        if not self.uses_stdin:
            yield self.body or ""
        elif self.send_on == "newline":
            async for data in _chunks(by_line=True):
                yield raw_text(data.removesuffix(b"\n").removesuffix(b"\r"))
        else:
            yield raw_text(b"".join([data async for data in _chunks(by_line=False)]))

    def expand(self, body: str, count: int) -> tuple[bytes, str]:
        """Body and subject of message number `count`; nothing is sent for a bad template.

        Raises CliError, also for a subject that no subscription could ever match.
        """
        data, subject = self._expanded(body, count)
        if not is_valid_subject(subject):
            raise CliError(f"nats: invalid subject {quote(subject)}")
        if not self.allow_wildcards and has_wildcard(subject):
            raise CliError(
                f"subject {quote(subject)} has wildcards, which do not work for publishing "
                "(--allow-wildcards sends it as it is written)"
            )
        return data, subject

    def _expanded(self, body: str, count: int) -> tuple[bytes, str]:
        if not self.templates:
            return bytes_of(body), self.subject
        texts = []
        for kind, text in (("body", body), ("subject", self.subject)):
            try:
                texts.append(expand(text, count))
            except TemplateError as error:
                raise CliError(
                    f"could not parse {kind} template: {error} (--no-templates sends it as it is)"
                ) from None
        return bytes_of(texts[0]), texts[1]


async def _chunks(by_line: bool) -> AsyncIterator[bytes]:
    """Standard input, read by a daemon thread.

    The thread waits for a slow consumer, so a large input is never completely in memory.
    """
    loop = asyncio.get_running_loop()
    queue: asyncio.Queue[bytes | OSError | None] = asyncio.Queue()
    room = threading.Semaphore(_CHUNKS_AHEAD_MAX)
    try:
        stream = os.fdopen(os.dup(0), "rb")
    except OSError as error:
        raise CliError(f"cannot read standard input: {error.strerror}") from None

    def hand_over(data: bytes | OSError | None) -> bool:
        room.acquire()
        try:
            loop.call_soon_threadsafe(queue.put_nowait, data)
        except RuntimeError:
            return False  # the loop has ended
        return True

    def read() -> None:
        try:
            with stream:
                while data := stream.readline() if by_line else stream.read(_CHUNK_BYTES):
                    if not hand_over(data):
                        return
        except OSError as error:
            hand_over(error)
        hand_over(None)

    threading.Thread(target=read, daemon=True, name="stdin").start()
    while (data := await queue.get()) is not None:
        room.release()
        if isinstance(data, OSError):
            raise CliError(f"cannot read standard input: {data.strerror}")
        yield data
