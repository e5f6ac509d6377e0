"""Receiving from a stream with a consumer: an ephemeral one, or a durable pull or push consumer."""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import dataclass
from typing import Any

from nats import errors as nats_errors
from pynats_common.go.durations import MINUTE_NS, SECOND_NS, human_duration_ns
from pynats_common.go.quoting import quote
from pynats_common.go.times import format_time_ns

from pynats_cli.connect.session import Session, abandon
from pynats_cli.errors import CliError
from pynats_cli.jetstream.api import CONSUMER_NOT_FOUND, JsApiError
from pynats_cli.messages.subscriber.flow import Flow
from pynats_cli.messages.subscriber.messages import from_client
from pynats_cli.messages.subscriber.options import SubscribeOptions
from pynats_cli.screen.output import log
from pynats_cli.template.messages import unique_id

PULL_BATCH = 500
"""Messages of one request."""
PULL_EXPIRES_S = 30
PULL_HEARTBEAT_S = 15
_EPHEMERAL_LIFE_NS = 5 * MINUTE_NS


@dataclass(frozen=True)
class _Consumer:
    """A consumer to read from; `config` is the server's."""

    stream: str
    name: str
    config: dict[str, Any]
    pending: int = 0

    @property
    def wants_acks(self) -> bool:
        return self.config.get("ack_policy", "none") not in ("none", "")

    @property
    def deliver_subject(self) -> str:
        """Subject a push consumer sends to, "" for pull consumers."""
        return str(self.config.get("deliver_subject") or "")


async def receive_from_stream(
    session: Session, options: SubscribeOptions, stream: str, flow: Flow
) -> None:
    """Feeds `flow` until it is done. Raises CliError."""
    if options.durable:
        consumer = await _durable(session, options, stream)
    else:
        consumer = await _create(session, stream, _config(options), unique_id())
    if len(consumer.config.get("filter_subjects") or []) > 1:
        raise CliError("cannot subscribe to multi filter consumers")
    if options.terminate_at_end and not consumer.pending:
        flow.stop()
    try:
        if consumer.deliver_subject:
            await _push(session, consumer, flow)
        else:
            await _pull(session, consumer, flow)
    finally:
        if not options.durable:
            await _delete(session, consumer)


def _config(options: SubscribeOptions) -> dict[str, Any]:
    """Consumer configuration for the flags, and the line that describes it."""
    subject = options.subjects[0] if options.subjects else ">"
    config: dict[str, Any] = {"ack_policy": "none", "deliver_policy": "all"}
    config["filter_subject"] = subject
    config["replay_policy"] = "instant"
    if options.headers_only or options.subjects_only:
        config["headers_only"] = True
    policy, what = _policy(options)
    config.update(policy)
    if what:
        log(f"Subscribing to subject {subject} {what} {options.ignored_text}")
    return config


def _policy(options: SubscribeOptions) -> tuple[dict[str, Any], str]:
    if options.start_sequence:
        policy = {"deliver_policy": "by_start_sequence", "opt_start_seq": options.start_sequence}
        return policy, f"starting at sequence {options.start_sequence}"
    if options.last:
        return {"deliver_policy": "last"}, "from last received message"
    if options.all:
        return {"deliver_policy": "all"}, "from first received message"
    if options.new:
        return {"deliver_policy": "new"}, "for new messages"
    if options.since:
        start = format_time_ns(time.time_ns() - options.since)
        policy = {"deliver_policy": "by_start_time", "opt_start_time": start}
        return policy, f"since {human_duration_ns(options.since)}"
    if options.last_per_subject:
        return {"deliver_policy": "last_per_subject"}, "for last message per subject"
    return {}, ""


async def _durable(session: Session, options: SubscribeOptions, stream: str) -> _Consumer:
    try:
        info = await session.js.request(f"CONSUMER.INFO.{stream}.{options.durable}")
    except JsApiError as error:
        if error.code != CONSUMER_NOT_FOUND:
            raise
        config = {**_config(options), "durable_name": options.durable}
        return await _create(session, stream, config, options.durable)
    pending = int(info.get("num_pending", 0))
    consumer = _Consumer(stream, options.durable, info["config"], pending)
    kind = "push" if consumer.deliver_subject else "pull"
    log(
        f"Subscribing to JetStream Stream {quote(stream)} using existing {kind} consumer "
        f"{quote(options.durable)}"
    )
    if consumer.deliver_subject:
        log("Push consumers are deprecated, a pull consumer is the better choice")
    return consumer


async def _create(session: Session, stream: str, config: dict[str, Any], name: str) -> _Consumer:
    config = {**config, "name": name}
    if "durable_name" not in config:
        config |= {"inactive_threshold": _EPHEMERAL_LIFE_NS, "num_replicas": 0, "mem_storage": True}
    request = {"stream_name": stream, "config": config, "action": "create"}
    info = await session.js.request(f"CONSUMER.CREATE.{stream}.{name}", request)
    pending = int(info.get("num_pending", 0))
    return _Consumer(stream, str(info.get("name", name)), info["config"], pending)


async def _delete(session: Session, consumer: _Consumer) -> None:
    try:
        await session.js.request(f"CONSUMER.DELETE.{consumer.stream}.{consumer.name}")
    except (CliError, nats_errors.Error):
        # The server deletes it after some idle time.
        pass


async def _next(flow: Flow, subscription: Any, timeout_s: float) -> Any:
    """The next message, or None when `flow` ended first. Raises nats TimeoutError."""
    getting = asyncio.create_task(subscription.next_msg(timeout=timeout_s))
    ending = asyncio.create_task(flow.done.wait())
    try:
        await asyncio.wait({getting, ending}, return_when=asyncio.FIRST_COMPLETED)
        return getting.result() if getting.done() else None
    finally:
        for task in (getting, ending):
            abandon(task)


async def _pull(session: Session, consumer: _Consumer, flow: Flow) -> None:
    inbox = session.inbox
    subscription = await session.client.subscribe(inbox)
    subject = f"{session.jetstream_prefix()}.CONSUMER.MSG.NEXT.{consumer.stream}.{consumer.name}"
    waiting_for = 0
    while not flow.done.is_set():
        if waiting_for <= 0:
            # A durable consumer would deliver and lose messages beyond those that are shown.
            waiting_for = flow.wanted(PULL_BATCH)
            request = {
                "batch": waiting_for,
                "expires": PULL_EXPIRES_S * SECOND_NS,
                "idle_heartbeat": PULL_HEARTBEAT_S * SECOND_NS,
            }
            await session.client.publish(subject, json.dumps(request).encode(), reply=inbox)
        try:
            message = await _next(flow, subscription, 2 * PULL_HEARTBEAT_S)
        except nats_errors.TimeoutError:
            waiting_for = 0  # heartbeats stopped: the request was lost, send it again
            continue
        if message is None:
            return
        status = message.headers.get("Status", "") if message.headers else ""
        if status and not message.data:
            waiting_for = _after_status(status, message, waiting_for)
            continue
        waiting_for -= 1
        if flow.take(from_client(message, inbox, streamed=True)) and consumer.wants_acks:
            await _ack(session, message)


def _after_status(status: str, message: Any, waiting_for: int) -> int:
    """Messages still to come after a status message: all, or none when the request is over."""
    description = message.headers.get("Description", "")
    if status == "100":
        return waiting_for
    if status == "409" and "deleted" in description.lower():
        raise CliError(f"consumer failed: {description}")
    if status in ("404", "408", "409"):
        return 0
    raise CliError(f"consumer failed: {status} {description}".rstrip())


async def _push(session: Session, consumer: _Consumer, flow: Flow) -> None:
    group = str(consumer.config.get("deliver_group") or "")
    subscription = await session.client.subscribe(consumer.deliver_subject, group)
    while not flow.done.is_set():
        try:
            message = await _next(flow, subscription, PULL_EXPIRES_S)
        except nats_errors.TimeoutError:
            continue
        if message is None:
            return
        status = message.headers.get("Status", "") if message.headers else ""
        if status == "100" and not message.data:
            await _flow_control(session, message)
            continue
        received = from_client(message, consumer.deliver_subject, streamed=True)
        if flow.take(received) and consumer.wants_acks:
            await _ack(session, message)


async def _flow_control(session: Session, message: Any) -> None:
    if message.reply:
        await session.client.publish(message.reply, b"")
        log("Responding to Flow Control message")
    elif stalled := message.headers.get("Nats-Consumer-Stalled", ""):
        await session.client.publish(stalled, b"")
        log("Resuming stalled consumer")


async def _ack(session: Session, message: Any) -> None:
    await session.client.publish(message.reply, b"")
    await session.flush()
