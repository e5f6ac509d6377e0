"""`pynats server check stream|consumer|message|jetstream|kv`: what JetStream holds."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from pynats_common.commandline.declare import opt
from pynats_common.commandline.kinds import DURATION, REGEX, UNSIGNED

from pynats_cli.commands.server.check.options import THRESHOLD, CheckOptions
from pynats_cli.commands.server.check.running import run_check
from pynats_cli.servers.checks.consumer import ConsumerThresholds, check_consumer
from pynats_cli.servers.checks.jetstream import JetStreamThresholds
from pynats_cli.servers.checks.kv import BucketExpectation, check_kv
from pynats_cli.servers.checks.message import MessageExpectation, check_message
from pynats_cli.servers.checks.result import Result
from pynats_cli.servers.checks.stream import StreamThresholds, check_stream

if TYPE_CHECKING:
    from pynats_cli.connect.session import Session
    from pynats_cli.global_options import GlobalOptions

Number = int | None


@dataclass(kw_only=True)
class StreamOptions(CheckOptions):
    stream: Annotated[str, opt("--stream", help="Stream to check")]
    lag_critical: Annotated[
        Number, opt("--lag-critical", help="Messages a mirror or source may be behind",
                    kind=UNSIGNED)] = None  # fmt: skip
    seen_critical: Annotated[
        Number, opt("--seen-critical", help="How long ago a mirror or source may have been seen",
                    kind=DURATION)] = None  # fmt: skip
    min_sources: Annotated[
        Number, opt("--min-sources", help="Fewest sources", kind=THRESHOLD)] = None  # fmt: skip
    max_sources: Annotated[
        Number, opt("--max-sources", help="Most sources", kind=THRESHOLD)] = None  # fmt: skip
    peer_expect: Annotated[
        Number, opt("--peer-expect", help="Number of replicas", kind=THRESHOLD)] = None  # fmt: skip
    peer_lag_critical: Annotated[
        Number, opt("--peer-lag-critical", help="Operations a replica may be behind",
                    kind=UNSIGNED)] = None  # fmt: skip
    peer_seen_critical: Annotated[
        Number, opt("--peer-seen-critical", help="How long ago a replica may have been seen",
                    kind=DURATION)] = None  # fmt: skip
    msgs_warn: Annotated[
        Number, opt("--msgs-warn", help="Warn at this many messages or fewer",
                    kind=UNSIGNED)] = None  # fmt: skip
    msgs_critical: Annotated[
        Number, opt("--msgs-critical", help="Critical at this many messages or fewer",
                    kind=UNSIGNED)] = None  # fmt: skip
    subjects_warn: Annotated[
        Number, opt("--subjects-warn",
                    help="Warn at this many subjects; below it if critical is lower",
                    kind=THRESHOLD)] = None  # fmt: skip
    subjects_critical: Annotated[
        Number, opt("--subjects-critical", help="Critical number of subjects",
                    kind=THRESHOLD)] = None  # fmt: skip


async def stream(options: GlobalOptions, chosen: StreamOptions) -> int:
    """Checks a stream."""
    limits = StreamThresholds(
        lag_critical=chosen.lag_critical, seen_critical=chosen.seen_critical,
        min_sources=chosen.min_sources, max_sources=chosen.max_sources,
        peer_expect=chosen.peer_expect, peer_lag_critical=chosen.peer_lag_critical,
        peer_seen_critical=chosen.peer_seen_critical,
        msgs_warn=chosen.msgs_warn, msgs_critical=chosen.msgs_critical,
        subjects_warn=chosen.subjects_warn, subjects_critical=chosen.subjects_critical,
    )  # fmt: skip
    result = Result(suite="stream", name=chosen.stream)

    async def check(session: Session) -> None:
        from pynats_cli.servers.checks.live import Api

        await check_stream(Api(session), chosen.stream, limits, result)

    return await run_check(options, chosen, result, check)


@dataclass(kw_only=True)
class ConsumerOptions(CheckOptions):
    stream: Annotated[str, opt("--stream", help="Stream of the consumer")]
    consumer: Annotated[str, opt("--consumer", help="Consumer to check")]
    outstanding_ack_critical: Annotated[
        Number, opt("--outstanding-ack-critical", help="Most messages without an acknowledgement",
                    kind=THRESHOLD)] = None  # fmt: skip
    waiting_critical: Annotated[
        Number, opt("--waiting-critical", help="Most waiting pulls",
                    kind=THRESHOLD)] = None  # fmt: skip
    unprocessed_critical: Annotated[
        Number, opt("--unprocessed-critical", help="Most messages not delivered yet",
                    kind=THRESHOLD)] = None  # fmt: skip
    last_delivery_critical: Annotated[
        Number, opt("--last-delivery-critical", help="Time allowed since the last delivery",
                    kind=DURATION)] = None  # fmt: skip
    last_ack_critical: Annotated[
        Number, opt("--last-ack-critical", help="Time allowed since the last acknowledgement",
                    kind=DURATION)] = None  # fmt: skip
    redelivery_critical: Annotated[
        Number, opt("--redelivery-critical", help="Most messages being redelivered",
                    kind=THRESHOLD)] = None  # fmt: skip
    pinned: Annotated[
        bool, opt("--pinned", help="Every priority group must have a pinned client")
    ] = False


async def consumer(options: GlobalOptions, chosen: ConsumerOptions) -> int:
    """Checks a consumer."""
    limits = ConsumerThresholds(
        outstanding_ack_critical=chosen.outstanding_ack_critical,
        waiting_critical=chosen.waiting_critical,
        unprocessed_critical=chosen.unprocessed_critical,
        last_delivery_critical=chosen.last_delivery_critical,
        last_ack_critical=chosen.last_ack_critical,
        redelivery_critical=chosen.redelivery_critical,
        pinned=chosen.pinned or None,
    )
    result = Result(suite="consumer", name=f"{chosen.stream}_{chosen.consumer}")

    async def check(session: Session) -> None:
        from pynats_cli.servers.checks.live import Api

        await check_consumer(Api(session), chosen.stream, chosen.consumer, limits, result)

    return await run_check(options, chosen, result, check)


@dataclass(kw_only=True)
class MessageOptions(CheckOptions):
    stream: Annotated[str, opt("--stream", help="Stream of the message")]
    subject: Annotated[
        str, opt("--subject", help="Check the last message of this subject; > for the stream's")
    ] = ">"
    age_warn: Annotated[
        Number, opt("--age-warn", help="Warn at this age", kind=DURATION)] = None  # fmt: skip
    age_critical: Annotated[
        Number, opt("--age-critical", help="Critical age", kind=DURATION)] = None  # fmt: skip
    content: Annotated[
        re.Pattern[str] | None,
        opt("--content", help="Pattern that must be in the body", kind=REGEX)
    ] = None  # fmt: skip
    body_timestamp: Annotated[
        bool, opt("--body-timestamp", help="The body is the time, in seconds since 1970")
    ] = False


async def message(options: GlobalOptions, chosen: MessageOptions) -> int:
    """Checks the last message of a subject."""
    expected = MessageExpectation(
        subject=chosen.subject, age_warn=chosen.age_warn, age_critical=chosen.age_critical,
        content=chosen.content, body_timestamp=chosen.body_timestamp,
    )  # fmt: skip
    result = Result(suite="message", name="Stream Message")

    async def check(session: Session) -> None:
        from pynats_cli.servers.checks.live import Api

        await check_message(Api(session), chosen.stream, expected, result)

    return await run_check(options, chosen, result, check)


@dataclass(kw_only=True)
class JetStreamOptions(CheckOptions):
    mem_warn: Annotated[
        Number, opt("--mem-warn", help="Warn above this use of memory, in percent",
                    kind=THRESHOLD)] = 75  # fmt: skip
    mem_critical: Annotated[
        Number, opt("--mem-critical", help="Critical use of memory, in percent",
                    kind=THRESHOLD)] = 90  # fmt: skip
    store_warn: Annotated[
        Number, opt("--store-warn", help="Warn above this use of disk, in percent",
                    kind=THRESHOLD)] = 75  # fmt: skip
    store_critical: Annotated[
        Number, opt("--store-critical", help="Critical use of disk, in percent",
                    kind=THRESHOLD)] = 90  # fmt: skip
    streams_warn: Annotated[
        Number, opt("--streams-warn", help="Warn above this part of the streams allowed",
                    kind=THRESHOLD)] = None  # fmt: skip
    streams_critical: Annotated[
        Number, opt("--streams-critical", help="Critical part of the streams allowed, in percent",
                    kind=THRESHOLD)] = None  # fmt: skip
    consumers_warn: Annotated[
        Number, opt("--consumers-warn", help="Warn above this part of the consumers allowed",
                    kind=THRESHOLD)] = None  # fmt: skip
    consumers_critical: Annotated[
        Number, opt("--consumers-critical",
                    help="Critical part of the consumers allowed, in percent",
                    kind=THRESHOLD)] = None  # fmt: skip
    replicas: Annotated[
        bool, opt("--replicas/--no-replicas", help="Check the replicas of all streams")
    ] = True
    replica_seen_critical: Annotated[
        int, opt("--replica-seen-critical", help="How long ago a replica may have been seen",
                 kind=DURATION)] = 5_000_000_000  # fmt: skip
    replica_lag_critical: Annotated[
        int, opt("--replica-lag-critical", help="Operations a replica may be behind",
                 kind=UNSIGNED)] = 200  # fmt: skip


async def jetstream(options: GlobalOptions, chosen: JetStreamOptions) -> int:
    """Checks the account."""
    limits = JetStreamThresholds(
        mem_warn=chosen.mem_warn, mem_critical=chosen.mem_critical,
        store_warn=chosen.store_warn, store_critical=chosen.store_critical,
        streams_warn=chosen.streams_warn, streams_critical=chosen.streams_critical,
        consumers_warn=chosen.consumers_warn, consumers_critical=chosen.consumers_critical,
        replicas=chosen.replicas, replica_seen_critical=chosen.replica_seen_critical,
        replica_lag_critical=chosen.replica_lag_critical,
    )  # fmt: skip
    result = Result(suite="jetstream", name="JetStream")

    async def check(session: Session) -> None:
        from pynats_cli.servers.checks.live import check_jetstream

        await check_jetstream(session, limits, result)

    return await run_check(options, chosen, result, check)


@dataclass(kw_only=True)
class KvOptions(CheckOptions):
    bucket: Annotated[str, opt("--bucket", help="Bucket to check")]
    values_critical: Annotated[
        Number, opt("--values-critical", help="Critical number of values",
                    kind=THRESHOLD)] = None  # fmt: skip
    values_warn: Annotated[
        Number, opt("--values-warn", help="Warn at this many values; below it if critical is lower",
                    kind=THRESHOLD)] = None  # fmt: skip
    key: Annotated[str, opt("--key", help="Key that must have a value")] = ""


async def kv(options: GlobalOptions, chosen: KvOptions) -> int:
    """Checks a bucket."""
    expected = BucketExpectation(
        values_warn=chosen.values_warn, values_critical=chosen.values_critical, key=chosen.key
    )
    result = Result(suite="kv", name=chosen.bucket)

    async def check(session: Session) -> None:
        from pynats_cli.servers.checks.live import Api

        await check_kv(Api(session), chosen.bucket, expected, result)

    return await run_check(options, chosen, result, check)
