"""`consumer next`: messages of a pull consumer, one by one."""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass
from typing import Annotated, Any

from pynats_common.commandline.declare import arg, opt
from pynats_common.commandline.kinds import DURATION, UNSIGNED
from pynats_common.go.durations import SECOND_NS
from pynats_common.go.quoting import quote

from pynats_cli.commands.consumer.options import GroupOptions
from pynats_cli.connect.session import Session
from pynats_cli.errors import CliError
from pynats_cli.jetstream.api import JsApiError
from pynats_cli.jetstream.consumers.message_view import show_message
from pynats_cli.jetstream.consumers.pulling import Pulled, Puller, answer
from pynats_cli.jetstream.consumers.requests import check_names
from pynats_cli.screen.output import line


@dataclass(kw_only=True)
class NextOptions(GroupOptions):
    """Which consumer, how many messages, and what becomes of them."""

    stream: Annotated[str, arg("The consumer's stream")]
    consumer: Annotated[str, arg("The consumer")]
    ack: Annotated[bool, opt("--ack/--no-ack", help="Acknowledge messages")] = True
    nak: Annotated[bool, opt("--nak", help="Have messages delivered again")] = False
    term: Annotated[bool, opt("--term", help="Never deliver messages again")] = False
    raw: Annotated[bool, opt("--raw", "-r", help="Show only bodies")] = False
    wait: Annotated[
        int, opt("--wait", help="Wait up to this long before the acknowledgement", kind=DURATION)
    ] = 0
    count: Annotated[int, opt("--count", help="Messages to get", kind=UNSIGNED)] = 1
    group: Annotated[
        str, opt("--group", help="Priority group to pull for; else the consumer's first")
    ] = ""


async def fetch(session: Session, options: NextOptions) -> None:
    """Take messages from a pull consumer and acknowledge them."""
    if options.nak and options.term:
        raise CliError("can not both Acknowledge and Terminate message")
    if options.count == 0:
        return
    info = await load_for_reading(session, options.stream, options.consumer)
    if info["config"].get("deliver_subject"):
        raise CliError("no message received: Consumer is push based (409)")
    group = options.group or first_group(info)
    puller = Puller(session, options.stream, options.consumer, group)
    for _ in range(options.count):
        message = await puller.next()
        show_message(message, options.raw)
        await _settle(session, message, options)


async def load_for_reading(session: Session, stream: str, consumer: str) -> dict[str, Any]:
    """What is known of a consumer. Raises CliError."""
    check_names(stream, consumer)
    try:
        return await session.js.consumer_info(stream, consumer)
    except JsApiError as error:
        raise CliError(f"could not load consumer {quote(consumer)}: {error}") from None


def first_group(info: dict[str, Any]) -> str:
    """The first priority group of a consumer, without which it gives nothing."""
    groups = info["config"].get("priority_groups") or [""]
    return str(groups[0])


async def _settle(session: Session, message: Pulled, options: NextOptions) -> None:
    """Acknowledges in the way that was asked for, after a random time up to --wait."""
    if options.nak:
        verb, done = b"-NAK", "Negative Acknowledged message"
    elif options.term:
        verb, done = b"+TERM", "Terminated message"
    elif options.ack:
        verb, done = b"+ACK", "Acknowledged message"
    else:
        return
    if options.wait > 0:
        await asyncio.sleep(random.uniform(0, options.wait / SECOND_NS))
    await answer(session, message, verb)
    if not options.raw:
        line(f"\n{done}\n")
