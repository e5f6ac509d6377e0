"""`pynats request`: sends requests and shows the replies."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from pynats_common.commandline.declare import arg, opt
from pynats_common.commandline.kinds import DURATION
from pynats_common.go.durations import MILLISECOND_NS, SECOND_NS, format_duration_ns, nanoseconds
from pynats_common.go.quoting import quote

from pynats_cli.flags import TEMPLATE_HELP, Exact, Input, Translate, WithHeaders
from pynats_cli.global_options import GlobalOptions
from pynats_cli.messages.publisher.source import PROGRESS_ABOVE, MessageSource
from pynats_cli.screen.output import body as show_body
from pynats_cli.screen.output import log, raw_body
from pynats_cli.screen.progress import bar
from pynats_cli.template.messages import parse_headers

if TYPE_CHECKING:
    from pynats_cli.connect.session import Session

MANY = 32_767
"""The number of replies for a count below one, or when waiting for an empty reply."""


@dataclass(kw_only=True)
class RequestOptions(Input, WithHeaders):
    """Flags of `request`; times in nanoseconds. `replies` 0 waits for the whole timeout."""

    subject: Annotated[str, arg("Subject to send to")]
    body: Annotated[str | None, arg("Request body")] = None
    wait: Annotated[bool, opt("--wait/--no-wait", "-w", hidden=True)] = True
    raw: Annotated[bool, opt("--raw", "-r", help="Show only replies' bodies")] = False
    count: Annotated[int, opt("--count", help="Send this many requests")] = 1
    replies: Annotated[int, opt("--replies", help="Replies to wait for, 0 until the timeout")] = 1
    reply_timeout: Annotated[
        int, opt("--reply-timeout", kind=DURATION, help="Longest time between replies")
    ] = 300 * MILLISECOND_NS
    wait_for_empty: Annotated[bool, opt("--wait-for-empty", help="Wait until a reply is empty")] = (
        False
    )
    exact: Exact = False
    translate: Translate = ""
    allow_no_reply: Annotated[
        bool, opt("--allow-no-reply", help="Exit with 0 also when nobody answers")
    ] = False

    @property
    def bar(self) -> bool:
        return self.count > PROGRESS_ABOVE and not self.raw

    @property
    def talks(self) -> bool:
        """True when each step gets a line."""
        return not self.raw and not self.bar


async def request(global_options: GlobalOptions, options: RequestOptions) -> int:
    parse_headers(options.header, 1)  # reports mistakes before connecting
    options.count = options.count if options.count >= 1 else MANY
    options.raw = options.raw or options.exact
    options.replies = MANY if options.wait_for_empty else options.replies
    source = MessageSource.of(options.subject, options.body, options)
    return await _request(global_options, source, options)


request.__doc__ = "Send requests and show the replies." + TEMPLATE_HELP


async def _request(
    global_options: GlobalOptions, source: MessageSource, options: RequestOptions
) -> int:
    from pynats_cli.connect.opening import open_session

    async with open_session(global_options) as session:
        return await send_requests(session, source, options)


async def send_requests(session: Session, source: MessageSource, options: RequestOptions) -> int:
    """Sends what the source holds, and shows the replies; the exit code."""
    if source.uses_stdin:
        log("Reading payload from STDIN")
    async for body in source.bodies():
        with bar(options.count, shown=options.bar) as advance:
            for number in range(1, options.count + 1):
                if not await _one(session, source, body, options, number):
                    return 0 if options.allow_no_reply else 1
                advance(1)
    return 0


async def _one(
    session: Session, source: MessageSource, body: str, options: RequestOptions, number: int
) -> bool:
    """Sends one request and shows its replies; False when there were none."""
    from pynats_cli.connect.headers import Headers

    data, subject = source.expand(body, number)
    if options.talks:
        log(f"Sending request on {quote(subject)}")
    headers = parse_headers(options.header, number)
    inbox = session.inbox
    subscription = await session.client.subscribe(inbox)
    try:
        await session.client.publish(
            subject, data, reply=inbox, headers=Headers(headers) if headers else None
        )
        return await _replies(session, subscription, options)
    finally:
        await subscription.unsubscribe()


async def _replies(session: Session, subscription: Any, options: RequestOptions) -> bool:
    from nats import errors as nats_errors

    started = time.monotonic()
    total_s = session.options.timeout_s
    timeout_s, received, rtt_sum_s = total_s, 0, 0.0
    while timeout_s > 0:
        try:
            message = await session.unless_refused(subscription.next_msg(timeout=timeout_s))
        except nats_errors.TimeoutError:
            break
        rtt_s = time.monotonic() - started
        if _no_responders(message):
            log("No responders are available")
            return False
        _show(message, options, rtt_s)
        received += 1
        if options.replies > 0 and (received == options.replies or not message.data):
            break
        rtt_sum_s += rtt_s
        if options.replies == 0:
            timeout_s = total_s - rtt_s
        else:
            timeout_s = rtt_sum_s / received + options.reply_timeout / SECOND_NS
    if not received:
        log("No replies were received")
    elif received < options.replies < MANY:
        log(f"Received {received} of {options.replies} replies")
    return received > 0


def _no_responders(message: Any) -> bool:
    return not message.data and bool(message.headers) and message.headers.get("Status") == "503"


def _show(message: Any, options: RequestOptions, rtt_s: float) -> None:
    from pynats_cli.connect.headers import header_pairs

    if options.raw:
        raw_body(message.data, options.translate, message.subject, options.exact)
    elif options.talks:
        log(f"Received with rtt {format_duration_ns(nanoseconds(rtt_s))}")
        pairs = header_pairs(message)
        for name, value in pairs:
            log(f"{name}: {value}")
        if pairs:
            log("")
        show_body(message.data, options.translate, message.subject)
