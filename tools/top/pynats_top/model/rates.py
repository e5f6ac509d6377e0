"""Counters of messages and bytes, and how fast they grow."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from pynats_common.go.durations import SECOND_NS


class Flow(NamedTuple):
    """Messages and bytes of one direction."""

    messages: int
    size: int


@dataclass(slots=True)
class Traffic:
    """Both directions as a server counts them (`in` is to the server), and per second."""

    in_msgs: int = 0
    in_bytes: int = 0
    out_msgs: int = 0
    out_bytes: int = 0
    in_msgs_rate: float = 0.0
    in_bytes_rate: float = 0.0
    out_msgs_rate: float = 0.0
    out_bytes_rate: float = 0.0

    @classmethod
    def since(cls, before: Traffic | None, seconds: float, into: Flow, out: Flow) -> Traffic:
        """Counters with their rates over these seconds; rates are 0 where they are not known."""
        if before is None or seconds <= 0:
            return cls(*into, *out)
        return cls(
            *into, *out,
            growth(before.in_msgs, into.messages, seconds),
            growth(before.in_bytes, into.size, seconds),
            growth(before.out_msgs, out.messages, seconds),
            growth(before.out_bytes, out.size, seconds),
        )  # fmt: skip


def growth(before: int, now: int, seconds: float) -> float:
    """Per second; 0 for a counter that went back."""
    return (now - before) / seconds if now > before and seconds > 0 else 0.0


def seconds_between(before_ns: int, now_ns: int, own: float) -> float:
    """Seconds between two answers of a server: by its clock if it says the time, and that went on,
    else by ours. Its clock may have been set; a leap is no interval."""
    if before_ns and now_ns > before_ns:
        passed = (now_ns - before_ns) / SECOND_NS
        if own <= 0 or own / 2 <= passed <= own * 2 + 1:
            return passed
    return max(own, 0.0)
