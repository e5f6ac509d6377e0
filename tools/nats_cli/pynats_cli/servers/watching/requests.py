"""Requests of the JetStream API: what each asks for, of which asset, and how often."""

from __future__ import annotations

import json
from collections import deque
from dataclasses import dataclass, field

INFO_HEADER = "Nats-Request-Info"
"""Who asks; servers add it where a request crosses accounts."""

_RATE_EVENTS_MAX = 100_000

# What follows the API's prefix, without the names at the end: (type, how many names).
_KINDS: dict[tuple[str, ...], tuple[str, int]] = {
    ("INFO",): ("account_info_request", 0),
    ("STREAM", "CREATE"): ("stream_create_request", 1),
    ("STREAM", "UPDATE"): ("stream_update_request", 1),
    ("STREAM", "NAMES"): ("stream_names_request", 0),
    ("STREAM", "LIST"): ("stream_list_request", 0),
    ("STREAM", "INFO"): ("stream_info_request", 1),
    ("STREAM", "DELETE"): ("stream_delete_request", 1),
    ("STREAM", "PURGE"): ("stream_purge_request", 1),
    ("STREAM", "SNAPSHOT"): ("stream_snapshot_request", 1),
    ("STREAM", "RESTORE"): ("stream_restore_request", 1),
    ("STREAM", "MSG", "GET"): ("stream_msg_get_request", 1),
    ("STREAM", "MSG", "DELETE"): ("stream_msg_delete_request", 1),
    ("STREAM", "LEADER", "STEPDOWN"): ("stream_leader_stepdown_request", 1),
    ("STREAM", "PEER", "REMOVE"): ("stream_remove_peer_request", 1),
    ("STREAM", "PEER", "EVACUATE"): ("stream_evacuate_request", 1),
    ("DIRECT", "GET"): ("stream_msg_direct_get_request", 1),
    ("CONSUMER", "CREATE"): ("consumer_create_request", 2),
    ("CONSUMER", "DURABLE", "CREATE"): ("consumer_create_request", 2),
    ("CONSUMER", "NAMES"): ("consumer_names_request", 1),
    ("CONSUMER", "LIST"): ("consumer_list_request", 1),
    ("CONSUMER", "INFO"): ("consumer_info_request", 2),
    ("CONSUMER", "DELETE"): ("consumer_delete_request", 2),
    ("CONSUMER", "PAUSE"): ("consumer_pause_request", 2),
    ("CONSUMER", "RESET"): ("consumer_reset_request", 2),
    ("CONSUMER", "UNPIN"): ("consumer_unpin_request", 2),
    ("CONSUMER", "MSG", "NEXT"): ("consumer_getnext_request", 2),
    ("CONSUMER", "LEADER", "STEPDOWN"): ("consumer_leader_stepdown_request", 2),
    ("META", "LEADER", "STEPDOWN"): ("meta_leader_stepdown_request", 0),
    ("SERVER", "REMOVE"): ("meta_server_remove_request", 0),
    ("ACCOUNT", "PURGE"): ("account_purge_request", 0),
    ("ACCOUNT", "STREAM", "MOVE"): ("account_stream_move_request", 0),
    ("ACCOUNT", "STREAM", "CANCEL_MOVE"): ("account_stream_move_cancel_request", 0),
}
_WORDS_MAX = max(len(words) for words in _KINDS)


@dataclass(frozen=True, order=True)
class Kind:
    """What is counted as one: a type of request, by an account, of an asset."""

    type: str
    account: str
    asset: str


@dataclass
class Count:
    """How often since the start, and when lately."""

    kind: Kind
    total: int = 0
    times: deque[float] = field(default_factory=lambda: deque(maxlen=_RATE_EVENTS_MAX))

    def rate(self, now: float, interval_s: float) -> int:
        """How often in the last interval."""
        while self.times and self.times[0] <= now - interval_s:
            self.times.popleft()
        return len(self.times)


def read_subject(subject: str, prefix: str, consumers: bool = True) -> tuple[str, str] | None:
    """Type and asset of a request; None for a subject outside the API."""
    if not subject.startswith(f"{prefix}."):
        return None
    words = subject[len(prefix) + 1 :].split(".")
    for length in range(min(_WORDS_MAX, len(words)), 0, -1):
        known = _KINDS.get(tuple(words[:length]))
        if known is not None:
            names = words[length:][: known[1] if consumers else min(known[1], 1)]
            return known[0], " > ".join(names)
    return f"{words[0].lower()}_request", ""


def account_of(header: str | None) -> str:
    """The account in a request's `Nats-Request-Info`."""
    try:
        info = json.loads(header or "{}")
    except (ValueError, RecursionError):
        return ""
    return str(info.get("acc") or "") if isinstance(info, dict) else ""


class RequestCounts:
    """Counts of all requests seen."""

    def __init__(self, interval_s: float) -> None:
        self._interval_s = interval_s
        self._counts: dict[Kind, Count] = {}

    def add(self, kind: Kind, now: float) -> None:
        count = self._counts.setdefault(kind, Count(kind))
        count.total += 1
        count.times.append(now)

    def __len__(self) -> int:
        return len(self._counts)

    def top(self, number: int, now: float, reverse: bool = False) -> list[tuple[Count, int]]:
        """The most frequent of the interval with their rates; 0 = all."""
        rated = [(count, count.rate(now, self._interval_s)) for count in self._counts.values()]
        rated.sort(key=lambda row: (-row[1], -row[0].total, row[0].kind))
        chosen = rated[:number] if number else rated
        return chosen[::-1] if reverse else chosen
