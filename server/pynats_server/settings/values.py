"""Turns a parsed value into a typed one, with a complaint if its type is wrong."""

from __future__ import annotations

import contextlib
import posixpath
import re
from pathlib import Path
from typing import Final, NoReturn

from pynats_common.commandline.suggest import did_you_mean
from pynats_common.config import ConfigError, Node, NodeValue, kind_of, plain
from pynats_common.go.durations import format_duration_s, parse_duration_s
from pynats_common.records import dataclass
from pynats_common.sizes import parse_size

from pynats_server.options import LOG_PARTS, WHOLE
from pynats_server.settings.schema import Reader, Reading
from pynats_server.settings.texts import is_text, split_host_port

INT32_MAX = 2**31 - 1
INT64_MAX = 2**63 - 1
SWITCH: Final = {"enabled": True, "enable": True, "disabled": False, "disable": False}


def refuse(node: Node, message: str) -> NoReturn:
    raise ConfigError(message, node.position)


def _wrong_kind(node: Node, key: str, wanted: str) -> NoReturn:
    kind = kind_of(node.value)
    article = "an" if kind[0] in "aeiou" else "a"
    refuse(node, f"{key} must be {wanted}, got {article} {kind}")


def boolean(reading: Reading, node: Node, key: str) -> bool:
    if not isinstance(node.value, bool):
        _wrong_kind(node, key, "true or false")
    return node.value


def string(reading: Reading, node: Node, key: str) -> str:
    if not isinstance(node.value, str):
        _wrong_kind(node, key, "a string")
    return node.value


def name(reading: Reading, node: Node, key: str) -> str:
    """A string that JSON answers show: must be valid UTF-8."""
    value = string(reading, node, key)
    if not is_text(value):
        refuse(node, f"{key} is not valid UTF-8")
    return value


def number_of(reading: Reading, node: Node) -> NodeValue:
    """The value; in TOML, which has no units, a text such as "10MB" is a number too."""
    if reading.texts_are_sizes and isinstance(node.value, str) and node.value:
        with contextlib.suppress(ValueError):  # the caller refuses other texts
            return parse_size(node.value)
    return node.value


_WHOLE = re.compile(r"[+-]?[0-9]+", re.ASCII)


def whole_number(text: str) -> int | None:
    """Of 64 bits, as Go reads it from a text; None = it is none."""
    if _WHOLE.fullmatch(text) is None:
        return None
    digits = text.lstrip("+-").lstrip("0") or "0"
    if len(digits) > len(str(INT64_MAX)):  # int() would refuse thousands of them
        return None
    value = int(digits) * (-1 if text[0] == "-" else 1)
    return value if -INT64_MAX - 1 <= value <= INT64_MAX else None


@dataclass(frozen=True, slots=True)
class PercentWords:
    """What is said of a percentage that is none: of a `{text}` that cannot be read (`{number}`
    without its sign), of another `{kind}` of `{value}`, and of a `{value}` that is no percentage.
    """

    unread: str
    other: str
    beyond: str


def percentage(node: Node, key: str, low: int, says: PercentWords) -> int:
    """A number from `low` to 100, perhaps as a text with its sign."""
    value = node.value
    if isinstance(value, str):
        text = value.removesuffix("%")
        number = whole_number(text)
        if number is None:
            refuse(node, says.unread.format(text=value, number=text))
        value = number
    if isinstance(value, bool) or not isinstance(value, int):
        shown = plain(value)
        shown = str(shown).lower() if isinstance(shown, bool) else str(shown)
        refuse(node, says.other.format(key=key, value=shown, kind=kind_of(value)))
    if not low <= value <= WHOLE:
        refuse(node, says.beyond.format(value=value))
    return value


def integer(low: int | None = None, high: int = INT64_MAX) -> Reader:
    """A whole number between `low` and `high`."""

    def read(reading: Reading, node: Node, key: str) -> int:
        value = number_of(reading, node)
        if isinstance(value, bool) or not isinstance(value, int):
            if reading.texts_are_sizes and isinstance(value, str) and value[:1].isdigit():
                refuse(node, f'{key} must be an integer or a size such as "10MB", got "{value}"')
            _wrong_kind(node, key, "an integer")
        if value > high:
            refuse(node, f"{key} value is too big")
        if low is not None and value < low:
            refuse(
                node,
                f"{key} value can not be {'negative' if value <= 0 else 'below'} {low}"
                if low > 1
                else f"{key} value can not be negative",
            )
        return value

    return read


def port(reading: Reading, node: Node, key: str) -> int:
    """A TCP port; -1 = any free port."""
    if isinstance(node.value, str):  # in TOML, too: a port is no size
        _wrong_kind(node, key, "an integer")
    value = integer()(reading, node, key)
    assert isinstance(value, int)
    return check_port(value, node, key)


def check_port(value: int, node: Node, key: str) -> int:
    if not -1 <= value <= 65535:
        refuse(node, f"{key} must be a port between -1 and 65535, got {value}")
    return value


def path(reading: Reading, node: Node, key: str) -> Path | None:
    text = string(reading, node, key)
    if "\0" in text:
        refuse(node, f"{key} contains a NUL character")
    return Path(text) if text else None


def duration_s(reading: Reading, node: Node, key: str) -> float:
    """Seconds; a bare whole number is still taken as seconds, with a warning."""
    value = node.value
    if isinstance(value, int) and not isinstance(value, bool):
        reading.warn(node, key, f"{key} should be converted to a duration")
        return float(value)
    return duration_text_s(node, key)


def duration_text_s(node: Node, key: str) -> float:
    if not isinstance(node.value, str):
        _wrong_kind(node, key, 'a duration such as "30s"')
    try:
        return parse_duration_s(node.value)
    except ValueError as error:
        refuse(node, f"error parsing {key}: {plain_reason(error)}")


def plain_reason(error: ValueError) -> str:
    """The reason without Go's name for its part that read the text."""
    return str(error).removeprefix("time: ")


def lame_duck_duration_s(reading: Reading, node: Node, key: str) -> float:
    seconds = duration_text_s(node, key)
    if seconds < 30:
        refuse(node, f"invalid {key} of {format_duration_s(seconds)}, minimum is 30 seconds")
    return seconds


def lame_duck_grace_period_s(reading: Reading, node: Node, key: str) -> float:
    seconds = duration_text_s(node, key)
    if seconds < 0:
        refuse(node, f"invalid {key}, needs to be positive")
    return seconds


def seconds_or_duration_s(node: Node, what: str) -> float:
    """Authentication and TLS timeouts: seconds as a number, or a duration."""
    value = node.value
    if isinstance(value, str):
        try:
            return parse_duration_s(value)
        except ValueError as error:
            refuse(node, f"error parsing {what} config, 'timeout' {plain_reason(error)}")
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        refuse(node, f"error parsing {what} config, 'timeout' wrong type")
    return float(value)


def choice(*words: str) -> Reader:
    def read(reading: Reading, node: Node, key: str) -> str:
        word = string(reading, node, key)
        if word not in words:
            shown = ", ".join(f"'{w}'" for w in words[:-1]) + f" or '{words[-1]}'"
            refuse(node, f"{key} must be {shown}")
        return word

    return read


def server_name(reading: Reading, node: Node, key: str) -> str:
    text = name(reading, node, key)
    if " " in text:
        refuse(node, "server name cannot contain spaces")
    return text


def url_path(reading: Reading, node: Node, key: str) -> str:
    """A normalised path with a leading slash."""
    text = "/" + name(reading, node, key)
    return "/" + posixpath.normpath(text).lstrip("/")


def strings(what: str) -> Reader:
    """One string or an array of strings. `what` names it in complaints."""

    def read(reading: Reading, node: Node, key: str) -> list[str]:
        if isinstance(node.value, str):
            return [name(reading, node, key)]
        if not isinstance(node.value, list):
            refuse(node, f"error parsing {what}: unsupported type {kind_of(node.value)}")
        for item in node.value:
            if not isinstance(item.value, str):
                refuse(
                    item, f"error parsing {what}: unsupported type in array {kind_of(item.value)}"
                )
        return [name(reading, item, key) for item in node.value]

    return read


def string_map(what: str) -> Reader:
    def read(reading: Reading, node: Node, key: str) -> dict[str, str]:
        if not isinstance(node.value, dict):
            refuse(node, f"error parsing {what}: unsupported type {kind_of(node.value)}")
        for label in node.value:
            if not is_text(label):
                refuse(node, f"error parsing {what}: a name is not valid UTF-8")
        return {label: name(reading, item, label) for label, item in node.value.items()}

    return read


_LEVELS = ("trace", "debug", "info", "warn", "error", "fatal")


def log_levels(reading: Reading, node: Node, key: str) -> dict[str, str]:
    """Levels of the log by the part of the server."""
    found: dict[str, str] = string_map(key)(reading, node, key)
    for part, item in node.value.items() if isinstance(node.value, dict) else ():
        if part not in LOG_PARTS:
            refuse(item, f'{key}: unknown part "{part}"{did_you_mean(part, LOG_PARTS)}')
        if found[part] not in _LEVELS:
            refuse(item, f"{key}: {part} must be one of {', '.join(_LEVELS)}")
    return found


def feature_flags(reading: Reading, node: Node, key: str) -> dict[str, bool]:
    """Names of experimental features, and whether they are on."""
    if not isinstance(node.value, dict):
        refuse(node, f"error parsing feature flags: unsupported type {kind_of(node.value)}")
    found: dict[str, bool] = {}
    for label, item in node.value.items():
        if not is_text(label):
            refuse(node, "error parsing feature flags: a name is not valid UTF-8")
        if not isinstance(item.value, bool):
            refuse(
                item,
                f'error parsing feature flag "{label}": '
                f"expected true or false, got {kind_of(item.value)}",
            )
        found[label] = item.value
    return found


@dataclass(frozen=True, slots=True)
class Address:
    host: str
    port: int


def address(reading: Reading, node: Node, key: str) -> Address:
    """`listen`: a port or `host:port`."""
    value = node.value
    if isinstance(value, int) and not isinstance(value, bool):
        return Address("", check_port(value, node, key))
    if not isinstance(value, str):
        refuse(node, f"expected port or host:port, got {kind_of(node.value)}")
    split = split_host_port(name(reading, node, key))
    if split is None:
        refuse(node, f'could not parse address string "{value}"')
    host, digits = split
    if not re.fullmatch(r"[+-]?[0-9]{1,18}", digits):
        refuse(node, f'could not parse port "{digits}"')
    return Address(host, check_port(int(digits), node, key))
