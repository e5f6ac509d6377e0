"""Tells the service manager how the process is doing: sd_notify(3), one datagram for each message.

What does not arrive is no fault of the server's: nothing here raises, and nothing waits.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable, Mapping, MutableMapping

EXTENSION_S = 10.0  # between two requests for more time
EXTENDED_S = 60.0  # from each of them on
WATCHED_MIN_S, WATCHED_MAX_S = 0.1, 1e6  # what is believed of a watchdog's time
# What counts as work: a process that waits for a disk that is gone uses less of the processor.
BUSY_SHARE = 0.005


class Notifier:
    """The connection to the service manager's socket."""

    def __init__(self, address: str, watchdog_s: float = 0.0) -> None:
        """A `watchdog_s` of 0: the manager does not watch."""
        self.watchdog_s = watchdog_s
        self._address = "\0" + address[1:] if address.startswith("@") else address
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
        self._socket.setblocking(False)
        self._status = ""
        self._owed: list[str] = []  # a state that the manager was too busy to hear

    def ready(self, status: str) -> None:
        """The start, or a reload, is over."""
        self._tell("READY=1", status)

    def reloading(self) -> None:
        """A reload has begun; `ready` ends it."""
        now_us = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
        self._tell(f"RELOADING=1\nMONOTONIC_USEC={now_us}", "Reloading the configuration")

    def stopping(self, status: str) -> None:
        """The process is about to end."""
        self._tell("STOPPING=1", status)

    def alive(self, status: str) -> None:
        """The event loop runs. The manager hears of a status only when it has changed."""
        lines = [*self._owed]
        if self.watchdog_s:
            lines.append("WATCHDOG=1")
        if status != self._status:
            lines.append(f"STATUS={_one_line(status)}")
        if lines and self._send("\n".join(lines)):
            self._status, self._owed = status, []

    def more_time(self) -> None:
        """The start goes on for a while yet."""
        self._send(f"EXTEND_TIMEOUT_USEC={int(EXTENDED_S * 1e6)}")

    def at_work(self) -> None:
        """The event loop does not run, because of work that is known to take long."""
        self._send("WATCHDOG=1")

    def close(self) -> None:
        """Nothing is told from now on."""
        self._socket.close()

    def _tell(self, state: str, status: str) -> None:
        """A state replaces one that could not be told, but is not lost itself."""
        self._status = status
        sent = self._send(f"{state}\nSTATUS={_one_line(status)}")
        self._owed = [] if sent else [state, f"STATUS={_one_line(status)}"]

    def _send(self, text: str) -> bool:
        try:
            self._socket.sendto(text.encode(errors="replace"), self._address)
        except OSError:
            return False
        return True


class Patience:
    """Has the manager wait for what takes long, as long as the process works: a thread, because
    what is read from the disk holds the event loop up. `tell` says so each `interval_s`."""

    def __init__(self, tell: Callable[[], None], interval_s: float = EXTENSION_S) -> None:
        self._over = threading.Event()
        self._tell, self._interval_s = tell, interval_s
        self._thread = threading.Thread(target=self._run, name="notify", daemon=True)
        self._thread.start()

    def end(self) -> None:
        """It is over."""
        self._over.set()

    def _run(self) -> None:
        used_s = time.process_time()
        while not self._over.wait(self._interval_s):
            before_s, used_s = used_s, time.process_time()
            if used_s - before_s > self._interval_s * BUSY_SHARE:
                self._tell()


def connect(environ: MutableMapping[str, str] = os.environ) -> Notifier | None:
    """The notifier that the environment asks for, if it does. Takes the variables away: other
    programs must not speak for this process."""
    address = environ.pop("NOTIFY_SOCKET", "")
    watchdog_s = _watchdog_s(environ)
    environ.pop("WATCHDOG_USEC", None)
    environ.pop("WATCHDOG_PID", None)
    if not address.startswith(("/", "@")):  # there are others, of virtual machines
        return None
    try:
        return Notifier(address, watchdog_s)
    except OSError:  # no descriptor is left
        return None


def _watchdog_s(environ: Mapping[str, str]) -> float:
    """How long the manager waits for a sign of life; 0 if it does not, or not of this process."""
    try:
        time_us = int(environ.get("WATCHDOG_USEC", "0"))
        pid = int(environ.get("WATCHDOG_PID", os.getpid()))
    except ValueError:
        return 0.0
    if time_us <= 0 or pid != os.getpid():
        return 0.0
    return min(max(time_us, WATCHED_MIN_S * 1e6), WATCHED_MAX_S * 1e6) / 1e6


def _one_line(text: str) -> str:
    """Without the bytes for which the manager would throw the whole message away."""
    return " ".join(text.replace("\0", " ").split())[:500]
