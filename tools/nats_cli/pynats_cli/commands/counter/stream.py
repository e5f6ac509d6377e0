"""The stream in which a counter is."""

from __future__ import annotations

from typing import Annotated

from pynats_common.commandline.declare import opt
from pynats_common.go.quoting import quote

from pynats_cli.connect.headers import header_pairs
from pynats_cli.connect.session import Session
from pynats_cli.errors import CliError
from pynats_cli.jetstream.api import STREAM_NOT_FOUND, JsApiError
from pynats_cli.jetstream.counters import Counter, check_subject, parse_counter
from pynats_cli.pickers import valid_stream_name

StreamFlag = Annotated[str, opt("--stream", help="The counter's stream", placeholder="STREAM")]


async def counter_stream(session: Session, stream: str, subject: str) -> str:
    """The name of the given stream, or of that which holds the subject. Raises CliError when it
    is no stream of counters."""
    if not stream:
        stream = await session.js.stream_for_subject(subject)
        if not stream:
            raise CliError(f"no stream holds {quote(subject)}: stream not found (10059)")
    try:
        config = (await session.js.stream_info(valid_stream_name(stream)))["config"]
    except JsApiError as error:
        if error.code == STREAM_NOT_FOUND:
            raise CliError(f"stream {quote(stream)} not found") from None
        raise
    if not config.get("allow_msg_counter") or not config.get("allow_direct"):
        raise CliError(
            f"{quote(stream)} is not a valid counter stream: it needs counters and direct gets "
            "allowed"
        )
    return stream


async def load_counter(session: Session, stream: str, subject: str) -> Counter:
    """A counter as it is stored. Raises CliError."""
    check_subject(subject)
    stream = await counter_stream(session, stream, subject)
    request = f"{session.jetstream_prefix()}.DIRECT.GET.{stream}.{subject}"
    message = await session.request(request)
    headers = header_pairs(message)
    status = dict(headers).get("Status", "")
    if status == "404":
        raise CliError(f"counter not initialized for subject: {subject}")
    if status:
        raise CliError(f"could not get the counter: {dict(headers).get('Description', status)}")
    return parse_counter(subject, message.data, headers)
