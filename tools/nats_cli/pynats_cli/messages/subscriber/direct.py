"""Receiving from a stream by direct gets: no consumer, nothing acknowledged or removed."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

from nats import errors as nats_errors
from pynats_common.go.durations import human_duration_ns
from pynats_common.go.times import format_time_ns

from pynats_cli.connect.session import Session
from pynats_cli.errors import CliError
from pynats_cli.messages.subscriber.flow import Flow
from pynats_cli.messages.subscriber.messages import from_direct_get
from pynats_cli.messages.subscriber.options import SubscribeOptions
from pynats_cli.screen.output import log

BATCH = 100
"""Messages of one request."""
POLL_S = 0.25
"""Pause before asking again at the end of the stream."""


async def receive_direct(
    session: Session, options: SubscribeOptions, info: dict[str, Any], flow: Flow
) -> None:
    """Feeds `flow` until it is done. Raises CliError."""
    stream = info["config"]["name"]
    subject = options.subjects[0] if options.subjects else ">"
    request, what = _first_request(options, info["state"])
    shown = subject if options.subjects else ", ".join(info["config"].get("subjects") or [])
    log(
        f"Subscribing to JetStream Stream (direct) holding messages with subject {shown} "
        f"{what} {options.ignored_text}"
    )
    reader = _Reader(session, stream, flow)
    after = int(info["state"]["last_seq"])
    if options.last_per_subject:
        await reader.read({"multi_last": [subject], "batch": BATCH, "up_to_seq": after})
        request = {"seq": after + 1}
    elif "seq" in request:
        after = request["seq"] - 1
    while not flow.done.is_set():
        request |= {"next_by_subj": subject, "batch": BATCH}
        last = await reader.read(request)
        if last:
            after = last
        elif options.terminate_at_end:
            flow.stop()
        else:
            await _pause(flow)
        if "start_time" not in request or last:
            request = {"seq": after + 1}


def _first_request(options: SubscribeOptions, state: dict[str, Any]) -> tuple[dict[str, Any], str]:
    first, last = int(state["first_seq"]), int(state["last_seq"])
    if options.start_sequence:
        start = options.start_sequence
        return {"seq": start}, f"starting with sequence {start}"
    if options.last:
        return {"seq": max(last, 1)}, "starting with the last message received"
    if options.new:
        return {"seq": last + 1}, "delivering any new messages received"
    if options.since:
        start_time = format_time_ns(time.time_ns() - options.since)
        shown = human_duration_ns(options.since)
        return {"start_time": start_time}, f"starting with messages since {shown}"
    if options.last_per_subject:
        return {}, "for the last messages for each subject in the Stream"
    return {"seq": max(first, 1)}, "starting with the first message received"


async def _pause(flow: Flow) -> None:
    try:
        await asyncio.wait_for(flow.done.wait(), POLL_S)
    except TimeoutError:
        pass


class _Reader:
    """Sends direct get requests for one stream."""

    def __init__(self, session: Session, stream: str, flow: Flow) -> None:
        self._session = session
        self._subject = f"{session.jetstream_prefix()}.DIRECT.GET.{stream}"
        self._flow = flow

    async def read(self, request: dict[str, Any]) -> int:
        """Passes on one batch and returns its last sequence, 0 if it was empty."""
        inbox = self._session.inbox
        subscription = await self._session.client.subscribe(inbox)
        last = 0
        try:
            payload = json.dumps(request).encode()
            await self._session.client.publish(self._subject, payload, reply=inbox)
            while not self._flow.done.is_set():
                message = await self._session.unless_refused(
                    subscription.next_msg(timeout=self._session.options.timeout_s)
                )
                status = message.headers.get("Status", "") if message.headers else ""
                if status:
                    _check_status(status, message)
                    return last
                received = from_direct_get(message)
                assert received.facts is not None
                last = received.facts.sequence
                self._flow.take(received)
        except nats_errors.TimeoutError:
            raise CliError("nats: timeout") from None
        finally:
            await subscription.unsubscribe()
        return last


def _check_status(status: str, message: Any) -> None:
    """204 ends a batch, 404 means no messages (yet); everything else is an error."""
    if status == "503":
        raise CliError("direct gets are not available: no responders for request")
    if status not in ("204", "404"):
        description = message.headers.get("Description", "")
        raise CliError(f"direct get failed: {status} {description}".rstrip())
