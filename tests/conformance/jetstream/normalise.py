"""Answers of two servers made comparable: what must differ is replaced by what it is.

Times become `<time n>`, numbered by first appearance within a case: the same time twice is the
same number twice, so a message's time in stream info, in the message and in a header must agree.
A value that does not have the form it should have stays visible and so fails the comparison.
"""

from __future__ import annotations

import base64
import json
import re
from datetime import UTC, datetime
from typing import Any

from tests.support.client import Message

_TIME = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{0,8}[1-9]))?Z")
_NEAR_NS = 3600 * 1_000_000_000
_SERVER_ID = re.compile(r"N[A-Z2-7]{55}")
_NUID = re.compile(r"[0-9A-Za-z]{22}")
_VERSION = re.compile(r"\d+\.\d+\.\d+(-[\w.]+)?")
_PREFIX_NUID = re.compile(r"(?<=[._])[0-9A-Za-z]{22}(?![0-9A-Za-z])")
# Of a delivered message, in the subject that acknowledges it.
_ACK_TIME = re.compile(r"(?<=\.)\d{19}(?=\.\d+$)")
# key -> form of a value that differs between servers by nature
_MASKED: dict[str, re.Pattern[str]] = {
    "server": _SERVER_ID,
    "server_id": _SERVER_ID,
    "leader": _SERVER_ID,
    "id": _NUID,
    "_nats.ver": _VERSION,
}
_MASKED_NUMBERS = ("active", "id", "pause_remaining")
# A stream's identity is made of the time when it was created.
_IDENTITY = re.compile(r"(?<=Nats-Stream-Identity: )\w{8}|(?<=identity does not match: )\w{8}")
_DROPPED = {"rtt"}  # left out until it has been measured
# Text of the JSON library, not of the API.
_LIBRARY_TEXT = "invalid JSON: "


class Normaliser:
    """One per server and case. `counted` is what `api` of account info counted before the case."""

    def __init__(self, counted: dict[str, int]) -> None:
        self._times: dict[int, str] = {}
        self._counted = counted

    def message(self, message: Message, own_subject: bool = False) -> dict[str, Any]:
        """A delivery as data: headers as lines, a JSON payload parsed."""
        shown: dict[str, Any] = {}
        if own_subject:
            shown["subject"] = message.subject
        if message.reply:
            reply = _PREFIX_NUID.sub("<nuid>", message.reply)
            shown["reply"] = _ACK_TIME.sub(self._nanoseconds, reply)
        if message.headers:
            shown["headers"] = self.headers(message.headers)
        shown["payload"] = self.payload(message.payload)
        return shown

    def payload(self, payload: bytes) -> Any:
        """Parsed and masked when it is a JSON object, as text otherwise."""
        if payload.startswith(b"{"):
            try:
                value = json.loads(payload)
            except ValueError:
                return _text(payload)
            check_times(value)
            if isinstance(value, dict) and isinstance(value.get("api"), dict):
                for name, before in self._counted.items():
                    value["api"][name] -= before
            return self.value("", value)
        return _text(payload)

    def headers(self, block: bytes) -> list[str]:
        """The lines of a header block, times masked; the end of the block is part of the form."""
        return [self.text(line) for line in _text(block).split("\\r\\n")]

    def value(self, key: str, value: Any) -> Any:
        """`value` of field `key` with everything inside masked."""
        if isinstance(value, dict):
            names = sorted(value.keys() - _DROPPED)
            return {name: self.value(name, value[name]) for name in names}
        if isinstance(value, list):
            return [self.value(key, item) for item in value]
        if isinstance(value, str):
            return self._string(key, value)
        if key in _MASKED_NUMBERS and isinstance(value, int) and not isinstance(value, bool):
            return f"<{key}>"
        return value

    def _string(self, key: str, value: str) -> Any:
        form = _MASKED.get(key)
        if form is not None and form.fullmatch(value):
            return f"<{key}>"
        if key == "description" and value.startswith(_LIBRARY_TEXT):
            return _LIBRARY_TEXT + "<text>"
        if key == "hdrs":
            return self.headers(base64.b64decode(value))
        if key in ("request", "response") and value.startswith("{"):
            return self.payload(value.encode())
        return self.text(value)

    def text(self, text: str) -> str:
        """`text` with recent times replaced; times of long ago are data of the case."""
        return _TIME.sub(self._time, _IDENTITY.sub("<identity>", text))

    def _time(self, match: re.Match[str]) -> str:
        at = parse_time(match.group())
        if abs(at - _now()) > _NEAR_NS:
            return match.group()
        return self._number(at)

    def _nanoseconds(self, match: re.Match[str]) -> str:
        return self._number(int(match.group()))

    def _number(self, at: int) -> str:
        return self._times.setdefault(at, f"<time {len(self._times) + 1}>")


def parse_time(text: str) -> int:
    """An RFC 3339 time as the server writes it (UTC, no trailing zeros), in ns since 1970.

    Raises ValueError for any other form.
    """
    match = _TIME.fullmatch(text)
    if match is None:
        raise ValueError(f"not a time as servers write it: {text!r}")
    seconds = datetime.fromisoformat(match.group(1) + "+00:00")
    return int(seconds.timestamp()) * 1_000_000_000 + int((match.group(2) or "0").ljust(9, "0"))


def check_times(value: Any) -> None:
    """Times of one stream info are in order: created and first_ts, last_ts, ts.

    Raises AssertionError with the object.
    """
    if not isinstance(value, dict):
        return
    streams = value.get("streams")
    for item in streams if isinstance(streams, list) else []:
        check_times(item)
    state = value.get("state")
    if not isinstance(state, dict) or "ts" not in value:
        return
    assert parse_time(value["created"]) <= parse_time(value["ts"]), value
    if state.get("messages"):
        first, last = parse_time(state["first_ts"]), parse_time(state["last_ts"])
        assert first <= last <= parse_time(value["ts"]), value


def _now() -> int:
    return int(datetime.now(UTC).timestamp() * 1_000_000_000)


def _text(data: bytes) -> str:
    return data.decode("latin-1").encode("unicode_escape").decode("ascii")
