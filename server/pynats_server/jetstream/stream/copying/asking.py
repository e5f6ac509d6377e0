"""What mirrors and sources ask their origins for, and what these answer."""

from __future__ import annotations

from typing import Any, Final

from pynats_server.jetstream.config.model import StreamSource
from pynats_server.jetstream.consumer.config.model import ConsumerConfig
from pynats_server.jetstream.errors import ApiError
from pynats_server.jetstream.stream.host import StreamHost

SECOND_NS: Final = 1_000_000_000


def consumer_config(
    stream: StreamHost,
    source: StreamSource,
    is_mirror: bool,
    name: str,
    deliver: str,
    start: int,
    since: str,
) -> ConsumerConfig:
    """The consumer that the real server asks for: it begins at a sequence or, if that is not empty,
    since a time."""
    told = "mirror" if is_mirror else "src"
    account = stream.account
    place = {"acc": account.name, "domain": account.server.domain, "stream": stream.name}
    made = ConsumerConfig(
        name=name,
        ack_wait=22 * 3600 * SECOND_NS,
        max_deliver=1,
        flow_control=True,
        deliver_subject=deliver,
        idle_heartbeat=SECOND_NS,
        inactive_threshold=10 * SECOND_NS,
        direct=True,
        sourcing=True,
        metadata={f"_nats.{told}.{what}": value for what, value in place.items() if value},
    )
    filters = [each.src or ">" for each in source.subject_transforms]
    if len(filters) > 1:
        made.filter_subjects = filters
    else:
        made.filter_subject = filters[0] if filters else source.filter_subject
    if since:
        made.deliver_policy = "by_start_time"
        made.opt_start_time = since
    elif start > 1:
        made.deliver_policy = "by_start_sequence"
        made.opt_start_seq = start
    return made


def create_subject(stream: str, config: ConsumerConfig) -> str:
    """Where it is asked for, without the prefix of the API."""
    if config.filter_subject:
        return f"CONSUMER.CREATE.{stream}.{config.name}.{config.filter_subject}"
    return f"CONSUMER.CREATE.{stream}"


def number_of(value: object) -> int:
    """A number of an answer, or 0."""
    return value if isinstance(value, int) else 0


def error_of(answer: dict[str, Any]) -> ApiError | None:
    """The error that an answer tells."""
    error = answer.get("error")
    if not isinstance(error, dict):
        return None
    return ApiError(
        number_of(error.get("err_code")),
        number_of(error.get("code")),
        str(error.get("description", "")),
    )


def read_reply(subject: bytes) -> tuple[int, int, int, int] | None:
    """(sequence, place in the consumer, time, messages left) of the subject to acknowledge at."""
    tokens = subject.split(b".")
    if tokens[:2] != [b"$JS", b"ACK"] or len(tokens) not in (9, 11, 12):
        return None
    at = 5 if len(tokens) == 9 else 7
    numbers = tokens[at : at + 4]
    if not all(each.isdigit() and len(each) < 20 for each in numbers):
        return None
    seq, delivery, ts, left = map(int, numbers)
    return seq, delivery, ts, left
