"""What a benchmark's clients are connected to, and what each has done."""

from __future__ import annotations

import socket
from collections.abc import Callable
from dataclasses import dataclass

from pynats_bench.clients.histogram import Histogram


@dataclass(slots=True)
class Share:
    """What one client has done so far. Times are CLOCK_MONOTONIC nanoseconds, 0 = not begun."""

    number: int  # from 1
    wanted: int  # messages, 0 = without end
    messages: int = 0
    payload_bytes: int = 0  # without headers
    first_ns: int = 0
    last_ns: int = 0
    operations: Histogram | None = None  # ns each; what one is, the kind says. None: it has none
    deliveries: Histogram | None = None  # ns from a stamped message's publish to its receipt


@dataclass(frozen=True)
class Target:
    """Where the clients connect. `dial` makes one more connection, past the handshake (blocking;
    LoadError with the server's words)."""

    dial: Callable[[], socket.socket]
    inbox_prefix: str = "_INBOX"
    api_prefix: str = "$JS.API"
