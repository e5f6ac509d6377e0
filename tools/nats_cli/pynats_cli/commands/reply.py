"""`pynats reply`: answers requests with a text, an echo, or a command's output."""

from __future__ import annotations

import asyncio
import os
import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from pynats_common.commandline.declare import arg, opt
from pynats_common.commandline.kinds import DURATION, UNSIGNED
from pynats_common.go.durations import SECOND_NS
from pynats_common.go.quoting import quote
from pynats_common.go.text import bytes_of, raw_text

from pynats_cli.errors import CliError
from pynats_cli.flags import TEMPLATE_HELP, WithHeaders
from pynats_cli.global_options import GlobalOptions
from pynats_cli.runner import run_async
from pynats_cli.screen.output import line, log, write_body
from pynats_cli.signals import stop_event
from pynats_cli.template.errors import TemplateError
from pynats_cli.template.messages import expand, expand_command, parse_headers

if TYPE_CHECKING:
    from pynats_cli.connect.session import Session

DEFAULT_QUEUE = "NATS-RPLY-22"
"""Queue group of every `nats reply`, so that several share the work."""

COUNTER_HEADER = "NATS-Reply-Counter"


@dataclass(kw_only=True)
class ReplyOptions(WithHeaders):
    """Flags of `reply`; `sleep` is the longest pause before a reply in nanoseconds, `count` 0 is
    no limit."""

    subject: Annotated[str, arg("Subject to answer on")]
    body: Annotated[str, arg("Reply body")] = ""
    echo: Annotated[bool, opt("--echo", help="Send back what arrives")] = False
    command: Annotated[
        str, opt("--command", placeholder="COMMAND", help="Send back this command's output")
    ] = ""
    queue: Annotated[str, opt("--queue", "-q", placeholder="NAME", help="Queue group")] = (
        DEFAULT_QUEUE
    )
    sleep: Annotated[
        int, opt("--sleep", kind=DURATION, help="Random pause before replies, up to this time")
    ] = 0
    count: Annotated[int, opt("--count", kind=UNSIGNED, help="Quit after this many requests")] = 0


def reply(global_options: GlobalOptions, options: ReplyOptions) -> int:
    parse_headers(options.header, 0)  # reports mistakes before connecting
    if not options.body and not options.command and not options.echo:
        log("No body or command supplied, enabling echo mode")
        options.echo = True
    return int(run_async(_serve(global_options, options)))


reply.__doc__ = (
    "Answer requests with a text, an echo, or a command's output."
    + TEMPLATE_HELP
    + """  Request          body of the request

In --command, {{0}}, {{1}}, ... stand for the tokens of the request's subject, and the command
finds NATS_REQUEST_SUBJECT and NATS_REQUEST_BODY in its environment. What a template gives stays in
its word; in a word that a shell reads, requests with characters that it would obey are refused.
"""
)


async def _serve(global_options: GlobalOptions, options: ReplyOptions) -> int:
    from pynats_cli.connect.opening import open_session

    async with open_session(global_options) as session:
        responder = _Responder(session, options)
        subscription = await session.client.subscribe(options.subject, options.queue)
        if options.count:
            await subscription.unsubscribe(limit=options.count)
        await session.check()
        log(f"Listening on {quote(options.subject)} in group {quote(options.queue)}")
        serving = asyncio.create_task(responder.run(subscription))
        with stop_event() as stopped:
            waiting = asyncio.create_task(stopped.wait())
            await asyncio.wait({serving, waiting}, return_when=asyncio.FIRST_COMPLETED)
            waiting.cancel()
        log("Draining...")
        if not serving.done():
            await subscription.drain()
        await serving
        await session.flush()
        log("Exiting")
    return stopped.code


class _Responder:
    """Answers the messages of one subscription, in order."""

    def __init__(self, session: Session, options: ReplyOptions) -> None:
        self._session = session
        self._options = options
        self._answered = 0

    async def run(self, subscription: Any) -> None:
        async for message in subscription.messages:
            self._show(message)
            if self._options.sleep:
                await asyncio.sleep(random.uniform(0, self._options.sleep / SECOND_NS))
            await self._answer(message)
            self._answered += 1
            if self._options.count and self._answered >= self._options.count:
                return

    def _show(self, message: Any) -> None:
        from pynats_cli.connect.headers import header_pairs

        log(f"[#{self._answered}] Received on subject {quote(message.subject)}:")
        for name, value in header_pairs(message):
            log(f"{name}: {value}")
        line()
        write_body(message.data + b"\n")

    async def _answer(self, message: Any) -> None:
        from nats import errors as nats_errors

        from pynats_cli.connect.headers import Headers

        if not message.reply:
            log("Could not publish reply: message has no reply subject")
            return
        try:
            headers = parse_headers(self._options.header, self._answered)
        except CliError as error:
            log(f"Could not publish reply: {error}")
            return
        data, more = await self._reply_of(message)
        if data is None:
            return
        headers += more
        try:
            await self._session.client.publish(
                message.reply, data, headers=Headers(headers) if headers else None
            )
        except nats_errors.Error as error:
            log(f"Could not publish reply: {error}")

    async def _reply_of(self, message: Any) -> tuple[bytes | None, list[tuple[str, str]]]:
        from pynats_cli.connect.headers import header_pairs

        if self._options.echo:
            counter = (COUNTER_HEADER, str(self._answered))
            return message.data, [*header_pairs(message), counter]
        if self._options.command:
            return await self._command_output(message)
        return bytes_of(self._expanded(message)), []

    def _expanded(self, message: Any) -> str:
        text = self._options.body
        try:
            return expand(text, self._answered, raw_text(message.data))
        except TemplateError as error:
            log(f"Could not parse body template: {error}")
            return text

    async def _command_output(self, message: Any) -> tuple[bytes | None, list[tuple[str, str]]]:
        try:
            words = expand_command(
                self._options.command, self._answered, raw_text(message.data),
                message.subject.split("."),
            )  # fmt: skip
        except TemplateError as error:
            return b"", _failed(self._options.command, str(error))
        except ValueError as error:
            log(f"Could not parse command: {error}")
            return None, []
        if not words:
            log("Could not parse command: it is empty")
            return None, []
        if self._session.options.trace:
            log(f"Executing: {' '.join(words)}")
        environment = {
            **os.environb,
            b"NATS_REQUEST_SUBJECT": message.subject.encode(),
            # An environment variable ends at the first zero byte.
            b"NATS_REQUEST_BODY": message.data.split(b"\0", 1)[0],
        }
        try:
            process = await asyncio.create_subprocess_exec(
                *words,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.STDOUT,
                env=environment,
            )
        except OSError as error:
            return b"", _failed(self._options.command, error.strerror or "error")
        output, _ = await process.communicate()
        if process.returncode != 0:
            return output, _failed(self._options.command, f"exit status {process.returncode}")
        return output, []


def _failed(command: str, reason: str) -> list[tuple[str, str]]:
    """Logs that a command failed; the headers in which services tell errors (ADR-32)."""
    log(f"Command {quote(command)} failed to run: {reason}")
    return [
        ("Nats-Service-Error", f"command failed: {reason}"),
        ("Nats-Service-Error-Code", "500"),
    ]
