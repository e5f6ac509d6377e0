"""Single messages of a stream, read directly where it allows that."""

from __future__ import annotations

import base64
import json
from typing import Any

from nats import errors as nats_errors
from pynats_common.go.times import parse_time_ns

from pynats_cli.connect.headers import header_pairs
from pynats_cli.connect.session import Session
from pynats_cli.errors import CliError
from pynats_cli.jetstream.api import NOT_ENABLED, JsApiError
from pynats_cli.jetstream.reading import Stored

NO_MESSAGE = 10037
_OWN = frozenset(
    ("nats-stream", "nats-subject", "nats-sequence", "nats-time-stamp", "nats-num-pending",
     "nats-last-sequence", "nats-upto-sequence")
)  # fmt: skip


async def get_message(
    session: Session, stream: str, asked: dict[str, Any], direct: bool
) -> Stored | None:
    """The message of `{"seq": …}`, `{"last_by_subj": …}` or `{"next_by_subj": …, "seq": …}`; None
    without one. Raises CliError."""
    return await (_directly if direct else _by_api)(session, stream, asked)


async def _directly(session: Session, stream: str, asked: dict[str, Any]) -> Stored | None:
    subject = f"{session.jetstream_prefix()}.DIRECT.GET.{stream}"
    try:
        message = await session.request(subject, json.dumps(asked).encode())
    except nats_errors.NoRespondersError:
        raise CliError(NOT_ENABLED) from None
    pairs = header_pairs(message)
    found = {name.lower(): value for name, value in pairs}
    if status := found.get("status"):
        if status == "404":
            return None
        raise CliError(f"{found.get('description', 'reading the message failed')} ({status})")
    return Stored(
        found.get("nats-subject", ""),
        int(found.get("nats-sequence", 0)),
        parse_time_ns(found["nats-time-stamp"]),
        tuple((name, value) for name, value in pairs if name.lower() not in _OWN),
        bytes(message.data),
    )


async def _by_api(session: Session, stream: str, asked: dict[str, Any]) -> Stored | None:
    try:
        answer = await session.js.request(f"STREAM.MSG.GET.{stream}", asked)
    except JsApiError as error:
        if error.code == NO_MESSAGE:
            return None
        raise
    message = answer["message"]
    block = base64.b64decode(message.get("hdrs") or "")
    return Stored(
        str(message["subject"]),
        int(message["seq"]),
        parse_time_ns(message["time"]),
        tuple(headers_of(block)),
        base64.b64decode(message.get("data") or ""),
        block=block,
    )


def headers_of(block: bytes) -> list[tuple[str, str]]:
    """The headers in a block `NATS/1.0 …`."""
    pairs = []
    for text in block.decode("utf-8", "replace").split("\r\n")[1:]:
        name, colon, value = text.partition(":")
        if colon:
            pairs.append((name, value.strip()))
    return pairs
