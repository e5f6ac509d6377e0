"""What origins answer and send. They belong to others, who may write anything: what cannot be is
refused, and nothing of it becomes a subject or is stored that does not have the form."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated, Final, NamedTuple, TypeVar

import msgspec
from pynats_common.go.times import parse_time_ns

from pynats_server.core import subject
from pynats_server.jetstream.config.rules import NAME_MAX, is_asset_name
from pynats_server.jetstream.errors import ApiError, api_error
from pynats_server.jetstream.store import SEQ_MAX

DESCRIPTION_MAX: Final = 1024  # characters of an error; every info of the follower shows them
EMPTY_BYTES: Final = 256  # that a message counts beside its content
_IDENTITY: Final = re.compile(rb"[0-9A-Za-z]{8}")
_FLOW: Final = b"$JS.FC."
_DIGITS: Final = 20  # of a number that fits in 64 bits

Number = Annotated[int, msgspec.Meta(ge=0, le=SEQ_MAX)]
T = TypeVar("T")


class Refusal(msgspec.Struct):
    """The error of an answer."""

    code: Number = 0
    err_code: Number = 0
    description: str = ""

    def error(self) -> ApiError:
        """As one of ours."""
        return ApiError(self.err_code, self.code, self.description[:DESCRIPTION_MAX])


class Floor(msgspec.Struct):
    """What a consumer has been told to be taken."""

    consumer_seq: Number = 0
    stream_seq: Number = 0


class MadeConfig(msgspec.Struct):
    """Of a consumer, what counts for who reads it."""

    ack_policy: str = ""
    deliver_subject: str = ""


class Made(msgspec.Struct):
    """The answer to a request for a consumer."""

    error: Refusal | None = None
    name: str = ""
    config: MadeConfig | None = None
    ack_floor: Floor | None = None
    num_pending: Number = 0

    @property
    def acknowledges(self) -> bool:
        """Whether the origin keeps its messages for the consumer."""
        return self.config is not None and self.config.ack_policy == "flow_control"

    def consumer(self, asked: str) -> str:
        """Its name: old servers make one of their own instead of the one `asked` for."""
        is_name = is_asset_name(self.name) and len(self.name.encode()) <= NAME_MAX
        return self.name if is_name else asked


class _State(msgspec.Struct):
    messages: Number
    first_seq: Number
    last_seq: Number
    first_ts: str
    last_ts: str


class Described(msgspec.Struct):
    """The answer to a request for a stream's info."""

    created: str
    state: _State


class Arrived(NamedTuple):
    """A message of the origin."""

    seq: int
    ts: int
    subject: bytes
    headers: bytes
    payload: bytes
    delivery: int  # its place among those of the consumer
    left: int  # messages behind it at the origin

    @property
    def size(self) -> int:
        """What it counts in the queue."""
        return EMPTY_BYTES + len(self.headers) + len(self.payload) + len(self.subject)


class Flow(NamedTuple):
    """The origin asks whether what came before has been taken."""

    subject: bytes

    @property
    def size(self) -> int:
        """What it counts in the queue."""
        return EMPTY_BYTES + len(self.subject)


@dataclass(slots=True)
class Known:
    """What an origin says of itself."""

    created: int
    first_seq: int
    last_seq: int
    first_ts: int


def read(payload: bytes, form: type[T]) -> T:
    """An answer. Raises ApiError 10025 if it is none."""
    try:
        return msgspec.json.decode(payload, type=form)
    except (ValueError, RecursionError) as error:
        raise api_error(10025, err=error) from None


def known_by(answer: Described) -> Known:
    """What a stream's info says. Raises ApiError 10025 if its times are none."""
    state = answer.state
    try:
        return Known(
            parse_time_ns(answer.created),
            state.first_seq,
            state.last_seq,
            parse_time_ns(state.first_ts if state.messages else state.last_ts),
        )
    except (ValueError, OverflowError) as error:
        raise api_error(10025, err=error) from None


def read_identity(told: bytes) -> bytes:
    """The identity of a stream; empty if this is none. Copies carry it as a word of a header."""
    return told if _IDENTITY.fullmatch(told) else b""


def read_reply(reply: bytes) -> tuple[int, int, int, int] | None:
    """(sequence, place in the consumer, time, messages left) of the subject to acknowledge at."""
    tokens = reply.split(b".")
    if tokens[:2] != [b"$JS", b"ACK"] or len(tokens) not in (9, 11, 12):
        return None
    at = 5 if len(tokens) == 9 else 7
    texts = tokens[at : at + 4]
    if not all(map(_is_number, texts)):
        return None
    seq, delivery, ts, left = map(int, texts)
    return (seq, delivery, ts, left) if max(seq, delivery, ts, left) <= SEQ_MAX else None


def number_of(text: bytes) -> int | None:
    """A number in a subject or a header; None if it is none, or longer than numbers are."""
    return int(text) if _is_number(text) else None


def _is_number(text: bytes) -> bool:
    return len(text) < _DIGITS and text.isdigit()


def is_flow(reply: bytes) -> bool:
    """Whether a consumer asks there what has been taken: only there it is answered."""
    return reply.startswith(_FLOW) and subject.is_valid(reply) and subject.is_literal(reply)
