"""Receiving by core subscriptions."""

from __future__ import annotations

from typing import Any

from pynats_cli.connect.headers import header_lines
from pynats_cli.connect.natspy.batches import Message
from pynats_cli.connect.session import Session
from pynats_cli.messages.subscriber.flow import Flow
from pynats_cli.messages.subscriber.messages import Received, from_client, parse_ack_subject
from pynats_cli.messages.subscriber.options import SubscribeOptions
from pynats_cli.messages.subscriber.quick import QuickView
from pynats_cli.screen.output import log

PENDING_MESSAGES = 1_000_000
"""Messages that may wait for display; the client drops more."""
PENDING_BYTES = 256 * 1024 * 1024


async def subscribe_core(
    session: Session, options: SubscribeOptions, flow: Flow, quick: QuickView | None
) -> None:
    """Subscribes to every subject; messages then go to `flow` in the background, or those that
    need nothing special to `quick`."""
    if options.match_replies:
        prefix = f"{session.context.inbox_prefix or '_INBOX'}.>"
        if options.chatty:
            log(f"Matching replies with inbox prefix {prefix}")
        await _subscribe_replies(session, prefix, flow)
    if options.chatty or options.inbox:
        if options.ack:
            log(
                f"Subscribing on {options.subjects[0]} with acknowledgement of JetStream messages "
                f"{options.ignored_text}"
            )
        else:
            log(f"Subscribing on {', '.join(options.subjects)} {options.ignored_text}")
    for subject in options.subjects:
        if options.ack or options.match_replies:
            await _subscribe_one(session, options, subject, flow)
        else:
            await _subscribe_many(session, options, subject, flow, quick)
    await session.check()


async def _subscribe_replies(session: Session, prefix: str, flow: Flow) -> None:
    async def on_reply(message: Any) -> None:
        try:
            flow.take_reply(from_client(message, prefix))
        except Exception as error:
            flow.fail(error)

    await session.client.subscribe(prefix, cb=on_reply)


async def _subscribe_many(
    session: Session, options: SubscribeOptions, subject: str, flow: Flow, quick: QuickView | None
) -> None:
    """Takes all messages of one read at once."""

    def on_batch(batch: list[Message]) -> None:
        try:
            if quick is not None:
                batch = quick.take(batch, flow)
            for message in batch:
                flow.take(_received(message, subject))
        except Exception as error:
            flow.fail(error)

    await session.client.subscribe_in_batches(subject, options.queue, on_batch)


def _received(message: Message, pattern: str) -> Received:
    subject, reply, headers, data = message
    answer_to = reply.decode()
    return Received(
        subject=subject.decode(),
        data=data,
        headers=tuple(header_lines(headers)),
        reply=answer_to,
        pattern=pattern,
        facts=parse_ack_subject(answer_to),
    )


async def _subscribe_one(
    session: Session, options: SubscribeOptions, subject: str, flow: Flow
) -> None:
    async def on_message(message: Any) -> None:
        received = from_client(message, subject)
        try:
            if flow.take(received) and options.ack and received.facts is not None:
                await session.client.publish(received.reply, b"")
        except Exception as error:
            # Otherwise the client would only report it and continue, for example after a closed
            # pipe.
            flow.fail(error)

    await session.client.subscribe(
        subject,
        queue=options.queue,
        cb=on_message,
        pending_msgs_limit=PENDING_MESSAGES,
        pending_bytes_limit=PENDING_BYTES,
    )
