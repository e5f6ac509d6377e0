"""`consumer sub`: everything a consumer delivers, of either kind."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from pynats_common.commandline.declare import arg, opt

from pynats_cli.commands.consumer.choosing import chosen
from pynats_cli.commands.consumer.next import first_group
from pynats_cli.commands.consumer.options import OneConsumer
from pynats_cli.connect.session import Session
from pynats_cli.jetstream.consumers.message_view import show_message
from pynats_cli.jetstream.consumers.pulling import Pulled, Puller, answer, pulled
from pynats_cli.jetstream.consumers.screen import policy_text
from pynats_cli.screen.human import duration
from pynats_cli.screen.output import note


@dataclass(kw_only=True)
class SubOptions(OneConsumer):
    """Which consumer, and what becomes of its messages."""

    stream: Annotated[str, arg("The consumer's stream")] = ""
    consumer: Annotated[str, arg("The consumer")] = ""
    ack: Annotated[bool, opt("--ack/--no-ack", help="Acknowledge messages")] = True
    raw: Annotated[bool, opt("--raw", "-r", help="Show only bodies")] = False
    deliver_group: Annotated[str, opt("--deliver-group", help="Queue group to join")] = ""


async def sub(session: Session, options: SubOptions) -> None:
    """Show a consumer's messages: of a pull consumer until there are none for a while."""
    stream, consumer, info = await chosen(session, options)
    config = info["config"]
    if not config.get("deliver_subject"):
        puller = Puller(session, stream, consumer, first_group(info))
        while True:
            await _take(session, await puller.next(), config, options)
    group = options.deliver_group or str(config.get("deliver_group") or "")
    subscription = await session.client.subscribe(config["deliver_subject"], group)
    await session.check()
    if not options.raw:
        note(_introduction(config, group, options))
    async for message in subscription.messages:
        status = message.headers.get("Status", "") if message.headers else ""
        if status and not message.data:
            await _flow_control(session, message)
        else:
            await _take(session, pulled(message), config, options)


def _introduction(config: dict[str, Any], group: str, options: SubOptions) -> str:
    queue = f" queue: {group}" if group else ""
    ack = "true" if options.ack else "false"
    text = f"Subscribing to topic {config['deliver_subject']}{queue} auto acknowledgment: {ack}"
    return (
        f"{text}\n\nConsumer Info:\n"
        f"  Ack Policy: {policy_text(config.get('ack_policy', 'none'))}\n"
        f"    Ack Wait: {duration(config.get('ack_wait', 0))}\n"
    )


async def _take(
    session: Session, message: Pulled, config: dict[str, Any], options: SubOptions
) -> None:
    show_message(message, options.raw)
    if options.ack and config.get("ack_policy", "none") not in ("none", ""):
        await answer(session, message, b"+ACK")


async def _flow_control(session: Session, message: Any) -> None:
    """Answers that the messages so far were taken; heartbeats of a stalled consumer say where."""
    subject = message.reply or message.headers.get("Nats-Consumer-Stalled", "")
    if subject:
        await session.client.publish(subject, b"")
