"""Distributed counters: a stream's last message of a subject holds its value."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from pynats_common.go.quoting import quote

from pynats_cli.errors import CliError

INCREMENT = "Nats-Incr"
SOURCES = "Nats-Counter-Sources"
_WHOLE = re.compile(r"[+-]?[0-9]+")


@dataclass(frozen=True)
class Counter:
    """A counter as its last message tells; numbers are texts, for they may have any size."""

    subject: str
    value: str
    increment: str
    sources: dict[str, dict[str, str]]


def parse_counter(subject: str, body: bytes, headers: list[tuple[str, str]]) -> Counter:
    """The counter in a stored message. Raises CliError when it holds none."""
    values = dict(headers)
    try:
        found = json.loads(body)
        value = whole_number(str(found["val"]))
        sources = json.loads(values.get(SOURCES) or "{}")
    except (ValueError, RecursionError, KeyError, TypeError, CliError):
        raise CliError(f"the last message of {quote(subject)} holds no counter") from None
    return Counter(subject, value, values.get(INCREMENT, ""), _checked_sources(sources))


def _checked_sources(found: Any) -> dict[str, dict[str, str]]:
    if not isinstance(found, dict):
        return {}
    return {
        str(stream): {str(subject): str(value) for subject, value in subjects.items()}
        for stream, subjects in found.items()
        if isinstance(subjects, dict)
    }


def whole_number(text: str) -> str:
    """A whole number of any size in its shortest form. Raises CliError."""
    if not _WHOLE.fullmatch(text):
        raise CliError(f"invalid value {quote(text)}: not a whole number")
    digits = text.lstrip("+-").lstrip("0") or "0"
    return f"-{digits}" if text[0] == "-" and digits != "0" else digits


def increment(number: str) -> str:
    """A whole number as the server wants to be told it: with a sign."""
    return number if number.startswith("-") else f"+{number}"


def negative(number: str) -> str:
    """The whole number of the other sign."""
    if number == "0":
        return number
    return number[1:] if number.startswith("-") else f"-{number}"


def grouped(number: str) -> str:
    """A whole number with commas."""
    sign, digits = ("-", number[1:]) if number.startswith("-") else ("", number)
    head = len(digits) % 3
    parts = [digits[:head]] if head else []
    return sign + ",".join([*parts, *(digits[at : at + 3] for at in range(head, len(digits), 3))])


def check_subject(subject: str) -> str:
    """The subject of one counter. Raises CliError."""
    tokens = subject.split(".")
    if any(not token or token in ("*", ">") for token in tokens) or any(
        char in subject for char in " \t\r\n"
    ):
        raise CliError(f"{quote(subject)} is not the subject of one counter")
    return subject
