"""Where log lines go: a stream, a file that rotates itself, syslog here or elsewhere."""

from __future__ import annotations

import contextlib
import logging
import os
import queue
import socket
import threading
import time
from datetime import datetime
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

from pynats_common.go.errno import error_text
from pynats_common.go.quoting import quote

FILE_MODE = 0o640
SYSLOG_PORT = 514
SYSLOG_QUEUE_MAX = 10_000  # lines waiting for a slow syslog server; more are dropped
SYSLOG_RETRY_S = 1.0  # seconds between attempts to reconnect
_FACILITY_DAEMON = 3 << 3
LEVELS = ("TRC", "DBG", "INF", "WRN", "ERR", "FTL")  # from the least important
# Of syslog (RFC 5424), as the real server assigns them.
SEVERITIES = {"TRC": 5, "DBG": 7, "INF": 5, "WRN": 4, "ERR": 3, "FTL": 2}
_LOGGING = {"TRC": 5, "DBG": 10, "INF": 20, "WRN": 30, "ERR": 40, "FTL": 50}  # of `logging`
# Where daemons listen, on this and other systems.
_LOCAL_SYSLOG = ("/dev/log", "/var/run/syslog", "/var/run/log")


class LogError(Exception):
    """The log cannot be set up as configured."""


class Sink(Protocol):
    """Takes finished lines. Never raises once it is open: a log must not stop a server."""

    # Whether lines carry pid, time and level (syslog adds its own).
    decorated: bool
    colored: bool

    def write(self, data: bytes, level: str) -> None:
        """`data` is one line or several, each with its newline; `level` is one of `LEVELS`."""

    def reopen(self) -> bool:
        """Open the file again after something moved it away; False if there is no file."""

    def close(self) -> None: ...


class StreamSink:
    """A file descriptor, standard error as a rule."""

    decorated = True

    def __init__(self, descriptor: int = 2) -> None:
        self._descriptor = descriptor
        self.colored = os.isatty(descriptor)

    def write(self, data: bytes, level: str) -> None:
        write_all(self._descriptor, data)

    def reopen(self) -> bool:
        return False

    def close(self) -> None:
        pass


class NoSink:
    """Drops every line."""

    decorated = False
    colored = False

    def write(self, data: bytes, level: str) -> None:
        pass

    def reopen(self) -> bool:
        return False

    def close(self) -> None:
        pass


class LoggingSink:
    """A logger of Python's `logging`, as a program that embeds the server has one."""

    decorated = False
    colored = False

    def __init__(self, target: logging.Logger) -> None:
        self._target = target

    def write(self, data: bytes, level: str) -> None:
        for line in data.decode("utf-8", "backslashreplace").splitlines():
            self._target.log(_LOGGING[level], "%s", line)

    def reopen(self) -> bool:
        return False

    def close(self) -> None:
        pass


class FileSink:
    """A log file; above `size_limit` bytes it is renamed and a new one begins.

    `keep` limits the files kept, the live one included; 0 keeps all. `describe` turns a message
    about the file itself into a line. Raises `LogError` if the file cannot be opened.
    """

    decorated = True
    colored = False

    def __init__(self, path: Path, size_limit: int, keep: int, describe: Describe) -> None:
        self._path = path
        self._size_limit = size_limit
        self._keep = keep
        self._describe = describe
        self._descriptor = -1
        self._size = 0
        self._open()

    def _open(self) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_CLOEXEC", 0)
        try:
            descriptor = os.open(self._path, flags, FILE_MODE)
        except OSError as error:
            reason = error_text(error)
            raise LogError(f"error opening file: open {self._path}: {reason}") from None
        self._size = os.fstat(descriptor).st_size
        self._descriptor, old = descriptor, self._descriptor
        if old >= 0:
            os.close(old)

    def write(self, data: bytes, level: str) -> None:
        write_all(self._descriptor, data)
        self._size += len(data)
        if 0 < self._size_limit < self._size:
            self._rotate()

    def _rotate(self) -> None:
        now = time.time_ns()
        stamp = datetime.fromtimestamp(now // 1_000_000_000).strftime("%Y.%m.%d.%H.%M.%S")
        backup = self._path.with_name(f"{self._path.name}.{stamp}.{now % 1_000_000_000:09d}")
        try:
            self._set_aside(backup)
        except (OSError, LogError) as error:
            # Keep the open file, and try again only after another `size_limit` bytes.
            self._size = 0
            self._note(f"Unable to rotate the log file ({error})", error=True)
            return
        self._note(f'Rotated log, backup saved as "{backup}"')
        if self._keep > 0:
            self._purge()

    def _set_aside(self, backup: Path) -> None:
        """Renames the file and begins a new one; undoes the renaming if that fails."""
        self._path.rename(backup)
        try:
            self._open()
        except LogError:  # for example, no descriptor is left
            backup.rename(self._path)
            raise

    def _purge(self) -> None:
        prefix = f"{self._path.name}."
        shape = "0000.00.00.00.00.00."
        try:
            entries = list(self._path.parent.iterdir())
        except OSError as error:
            self._note(f"Unable to look for old log files: {error.strerror}", error=True)
            return
        backups = sorted(
            entry
            for entry in entries
            if entry.name.startswith(prefix)
            and len(entry.name) > len(prefix) + len(shape)
            and entry.name[len(prefix) :].replace(".", "").isdigit()
        )
        for entry in backups[: max(0, len(backups) - (self._keep - 1))]:
            try:
                entry.unlink()
            except OSError as error:
                self._note(f'Unable to delete log file "{entry}": {error.strerror}', error=True)
            else:
                self._note(f'Purged log file "{entry}"')

    def _note(self, text: str, *, error: bool = False) -> None:
        line = self._describe(text, error)
        write_all(self._descriptor, line)
        self._size += len(line)

    def reopen(self) -> bool:
        try:
            self._open()
        except LogError as error:
            self._note(str(error), error=True)
        return True

    def close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


class Describe(Protocol):
    def __call__(self, text: str, error: bool, /) -> bytes: ...


class SyslogSink:
    """A syslog daemon: that of this machine, or at `udp://host:port`, `tcp://…` or `unix://path`.

    A thread sends, so a slow or missing daemon never blocks the server; lines are dropped instead.
    Raises `LogError` if there is no daemon, or for an address that cannot be used. Over UDP nobody
    can tell.
    """

    decorated = False
    colored = False

    def __init__(self, address: str, program: str) -> None:
        self._address = _parse_syslog_address(address) if address else None
        self._tag = f"{program}[{os.getpid()}]"
        if address:
            self._tag = f"{socket.gethostname()} {self._tag}"
        self._lines: queue.Queue[bytes | None] = queue.Queue(SYSLOG_QUEUE_MAX)
        try:
            self._socket: socket.socket | None = self._connect()
        except (OSError, UnicodeError) as error:  # UnicodeError: the host name is invalid
            reason = self._why(error)
            raise LogError(f"error connecting to syslog: {quote(reason)}") from None
        self._retry_at = 0.0
        self._thread = threading.Thread(target=self._run, name="syslog", daemon=True)
        self._thread.start()

    def _why(self, error: OSError | UnicodeError) -> str:
        if self._address is None:
            return str(error)
        network, (host, port) = self._address
        if isinstance(error, (UnicodeError, socket.gaierror)):
            return f"dial {network}: lookup {host}: {error_text(error)}"
        place = host if network == "unix" else f"{host}:{port}"
        return f"dial {network} {place}: connect: {error_text(error)}"

    def _connect(self) -> socket.socket:
        if self._address is None:
            return _connect_here()
        network, target = self._address
        if network == "tcp":
            return socket.create_connection(target, timeout=5)
        if network == "unix":
            return _connect_unix(target[0], socket.SOCK_DGRAM)
        found = socket.getaddrinfo(*target, type=socket.SOCK_DGRAM)
        client = socket.socket(found[0][0], socket.SOCK_DGRAM)
        client.connect(found[0][4])
        return client

    def write(self, data: bytes, level: str) -> None:
        now = datetime.now().astimezone()
        # The daemon of this machine expects what the C library sends.
        stamp = now.isoformat(timespec="seconds") if self._address else f"{now:%b %e %H:%M:%S}"
        head = f"<{_FACILITY_DAEMON | SEVERITIES[level]}>{stamp} {self._tag}: ".encode()
        for line in data.splitlines():
            try:
                self._lines.put_nowait(head + line + b"\n")
            except queue.Full:
                return

    def _run(self) -> None:
        while (line := self._lines.get()) is not None:
            try:
                if self._socket is None:
                    if time.monotonic() < self._retry_at:
                        continue
                    self._socket = self._connect()
                self._socket.sendall(line)
            except OSError:
                self._drop_connection()

    def _drop_connection(self) -> None:
        self._retry_at = time.monotonic() + SYSLOG_RETRY_S
        connectionless = self._address is not None and self._address[0] == "udp"
        if not connectionless and self._socket is not None:
            self._socket.close()
            self._socket = None

    def reopen(self) -> bool:
        return False

    def close(self) -> None:
        try:
            self._lines.put_nowait(None)
        except queue.Full:
            return
        self._thread.join(timeout=2)
        if self._socket is not None:
            self._socket.close()


def _connect_here() -> socket.socket:
    """A connection to the daemon of this machine; a path may exist without one."""
    for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
        for path in _LOCAL_SYSLOG:
            with contextlib.suppress(OSError):
                return _connect_unix(path, kind)
    raise OSError("Unix syslog delivery error")


def _connect_unix(path: str, kind: socket.SocketKind) -> socket.socket:
    client = socket.socket(socket.AF_UNIX, kind)
    try:
        client.connect(path)
    except OSError:
        client.close()
        raise
    return client


def _parse_syslog_address(address: str) -> tuple[str, tuple[str, int]]:
    try:
        parts = urlsplit(address)
        port = parts.port or SYSLOG_PORT
    except ValueError:
        raise LogError(f'error connecting to syslog: invalid address "{address}"') from None
    if parts.scheme == "unix" and parts.path:
        return "unix", (parts.path, 0)
    if parts.scheme in ("udp", "tcp") and parts.hostname:
        return parts.scheme, (parts.hostname, port)
    raise LogError(f'error connecting to syslog: invalid network type: "{parts.scheme}"')


def write_all(descriptor: int, data: bytes) -> None:
    """Write `data`, giving up silently if the other end does not accept it."""
    view = memoryview(data)
    try:
        while view:
            view = view[os.write(descriptor, view) :]
    except OSError:
        return
