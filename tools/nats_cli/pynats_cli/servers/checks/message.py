"""A message stored in a stream: its age and its content."""

from __future__ import annotations

import re
import time
from base64 import b64decode
from dataclasses import dataclass
from typing import Any

from pynats_common.go.durations import SECOND_NS, format_duration_ns
from pynats_common.go.quoting import quote_excerpt
from pynats_common.go.times import parse_instant_ns

from pynats_cli.errors import CliError
from pynats_cli.servers.checks.patterns import require
from pynats_cli.servers.checks.result import Result, seconds
from pynats_cli.servers.checks.sources import JetStream, stream_name
from pynats_cli.servers.checks.thresholds import Thresholds

NO_MESSAGE = 10037


@dataclass(kw_only=True)
class MessageExpectation:
    """What is expected of the last message of a subject. Durations in nanoseconds."""

    subject: str = ">"
    age_warn: int | None = None
    age_critical: int | None = None
    content: re.Pattern[str] | None = None
    body_timestamp: bool = False


async def check_message(
    js: JetStream, stream: str, expected: MessageExpectation, result: Result
) -> None:
    """Fetches the last message of the subject (`>`: of the stream) and judges it."""
    try:
        answer = await js.request(
            f"STREAM.MSG.GET.{stream_name(stream)}", {"last_by_subj": expected.subject}
        )
    except CliError as error:
        missing = getattr(error, "code", 0) == NO_MESSAGE
        result.critical("no message found" if missing else f"msg load failed: {error}")
        return
    judge_message(answer["message"], stream, expected, result)


def judge_message(
    message: dict[str, Any],
    stream: str,
    expected: MessageExpectation,
    result: Result,
    now_ns: int | None = None,
) -> None:
    """Judges a stored message, as STREAM.MSG.GET gives it."""
    body = b64decode(message.get("data") or "")
    now_ns = time.time_ns() if now_ns is None else now_ns
    written_ns = parse_instant_ns(message["time"])
    if expected.body_timestamp:
        text = body.decode("utf-8", "replace").strip()
        if not re.fullmatch(r"[+-]?[0-9]{1,18}", text, re.ASCII):
            result.critical(f"invalid timestamp body: invalid number {quote_excerpt(text)}")
            return
        written_ns = int(text) * SECOND_NS
    age = now_ns - written_ns
    ages = Thresholds(expected.age_warn, expected.age_critical)
    result.measured(
        "age", age / SECOND_NS, "The age of the message",
        warning=seconds(expected.age_warn), critical=seconds(expected.age_critical), unit="s",
    )  # fmt: skip
    result.measured("size", len(body), "The size of the message", unit="B")
    # A critical age below the warning one is the sharper of the two, not a contradiction.
    if ages.critical is not None and age >= ages.critical:
        result.critical(f"{format_duration_ns(age)} old")
    elif ages.warning is not None and age >= ages.warning:
        result.warn(f"{format_duration_ns(age)} old")
    if expected.content is not None:
        complaint = f"does not match regex: {expected.content.pattern}"
        require(expected.content, body, complaint, result)
    if not result.criticals and not result.warnings:
        result.ok(f"Valid message on {stream} > {message.get('subject', expected.subject)}")
